"""Takes a bench that exists, and makes it ready to test this checkout on.

    python tests/site/bench.py check     exit 3, saying so loudly, where there is no bench
    python tests/site/bench.py up        start MariaDB and Redis where they do not answer
    python tests/site/bench.py link      link this checkout into the bench, install or migrate, build
    python tests/site/bench.py test …    up and link, then pytest with the bench's Python
    python tests/site/bench.py chaos …   up and link, then the kill test; see chaos.py
    python tests/site/bench.py serve N   serve the site on http://127.0.0.1:N (8000 unless told)
    python tests/site/bench.py workers N start N workers (1 unless told) and the scheduler
    python tests/site/bench.py put-back  make the site what it was before a session of tests that was killed
    python tests/site/bench.py down      end what `up` and `workers` started

The bench is at FLOW_EDITOR_BENCH (default ~/frappe-bench), of Frappe 15, 16 or 17; its site is FLOW_EDITOR_SITE (default
flow.test). The site must have `allow_tests` set: the tests write to it and clear its runs, and at their end it is put back
as it was at their beginning, whoever has changed it meanwhile; see kept.py. Needs nothing but Python.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
BENCH = Path(os.environ.get("FLOW_EDITOR_BENCH", "~/frappe-bench")).expanduser()
SITE = os.environ.get("FLOW_EDITOR_SITE", "flow.test")
APP = "flow_editor"
STATE = BENCH / "config" / "flow_editor_tests.json"
NO_BENCH = 3
MARIADB_SOCKETS = ("/run/mysqld/mysqld.sock", "/var/run/mysqld/mysqld.sock", "/tmp/mysql.sock")


def main(arguments: list[str]) -> int:
	command, *rest = arguments or ["help"]
	if command == "help" or command not in COMMANDS:
		print(__doc__)
		return 0 if command == "help" else 2
	if problem := missing():
		print(f"\n{'!' * 78}\n!! {problem}\n!! The site's tests are LEFT OUT.\n{'!' * 78}\n", file=sys.stderr)
		return NO_BENCH
	return COMMANDS[command](rest)


def missing() -> str | None:
	"""Why the site's tests cannot run on this machine, or None."""
	if not (BENCH / "sites" / SITE / "site_config.json").exists():
		return f"There is no bench with the site {SITE} at {BENCH}."
	if not site_config().get("allow_tests"):
		return f"The site {SITE} does not allow tests: bench --site {SITE} set-config allow_tests true"
	return None


def site_config() -> dict:
	sites = BENCH / "sites"
	config = json.loads((sites / "common_site_config.json").read_text())
	return {**config, **json.loads((sites / SITE / "site_config.json").read_text())}


def major() -> int:
	"""The bench's version of Frappe."""
	text = (BENCH / "apps" / "frappe" / "frappe" / "__init__.py").read_text(encoding="utf-8")
	found = re.search(r"""^__version__ = ["'](\d+)""", text, re.MULTILINE)
	if found is None:
		raise SystemExit(f"The version of Frappe at {BENCH} cannot be told.")
	return int(found[1])


# Services


def up(_: object = None) -> int:
	if not database_answers():
		server = shutil.which("mariadbd-safe") or shutil.which("mysqld_safe")
		if server is None:
			raise SystemExit("MariaDB does not answer, and there is no mariadbd-safe to start it with.")
		Path("/run/mysqld").mkdir(exist_ok=True)
		shutil.chown("/run/mysqld", "mysql")
		start("mariadb", [server, "--user=mysql"])
		wait("MariaDB", database_answers)
	for name in ("cache", "queue"):
		if not redis_answers(name):
			start_redis(name)
	return 0


def start_redis(name: str) -> None:
	config = BENCH / "config" / f"redis_{name}.conf"
	start(f"redis_{name}", ["redis-server", str(config)])
	wait(f"Redis ({name})", lambda: redis_answers(name))


def stop_redis(name: str) -> None:
	"""Stop a Redis that answers, whoever started it; the tests that ask for it start it again."""
	host, port = redis_address(name)
	with socket.create_connection((host, port), timeout=5) as connection:
		connection.sendall(b"SHUTDOWN NOSAVE\r\n")
	wait(f"the end of Redis ({name})", lambda: not redis_answers(name))


def workers(arguments: list[str]) -> int:
	"""Start workers that take every queue, and the scheduler, besides those that this script has running.

	Whether the scheduler does anything is the site's own setting: bench --site SITE enable-scheduler.
	"""
	up()
	wanted = [f"worker_{number + 1}" for number in range(int(arguments[0]) if arguments else 1)]
	helper = frappe(site=False)
	for name in [*wanted, "scheduler"]:
		task = ["schedule"] if name == "scheduler" else ["worker", "--queue", "short,default,long", "--quiet"]
		if not alive(remembered().get(name)):
			start(name, [*helper, *task], folder=BENCH / "sites")
	return 0


def serve(arguments: list[str]) -> int:
	"""Start a web server for the site on loopback, whatever name it is asked by. Returns once it answers."""
	up()
	port = int(arguments[0]) if arguments else 8000
	command = [str(python()), str(CHECKOUT / "tests" / "site" / "web.py"), SITE, str(port)]
	start(f"web_{port}", command, folder=BENCH / "sites")
	wait("The web server", lambda: answers("127.0.0.1", port))
	return 0


def stop(name: str) -> None:
	"""End a process that `start` started."""
	processes = remembered()
	pid = processes.pop(name)
	if alive(pid):
		os.killpg(pid, signal.SIGTERM)
	STATE.write_text(json.dumps(processes))


def account(email: str, *roles: str) -> dict[str, str]:
	"""A user of the site with these roles: user, password, api_key, api_secret. Any that was there is replaced."""
	return json.loads(_accounts(email, *roles).splitlines()[-1])


def remove_account(email: str) -> None:
	_accounts("--remove", email)


def _accounts(*arguments: str) -> str:
	script = CHECKOUT / "tests" / "site" / "accounts.py"
	return run([str(python()), str(script), SITE, *arguments], capture=True)


def note() -> None:
	"""Write down how the site is, for `put_back`."""
	run([str(python()), str(CHECKOUT / "tests" / "site" / "kept.py"), SITE, "note"], capture=True)


def put_back(_: object = None) -> int:
	"""Make the site what it was when it was noted, and say what had been left on it. Does nothing if it has been put back."""
	print(
		run([str(python()), str(CHECKOUT / "tests" / "site" / "kept.py"), SITE, "put-back"], capture=True),
		end="",
	)
	return 0


def execute(code: str) -> None:
	"""Run Python on the site, as Administrator, and commit."""
	begin = f"import frappe; frappe.init(site={SITE!r}); frappe.connect(); frappe.set_user('Administrator')"
	run([str(python()), "-c", f"{begin}\n{code}\nfrappe.db.commit()"], capture=True)


def alive(pid: int | None) -> bool:
	try:
		return pid is not None and os.kill(pid, 0) is None
	except ProcessLookupError:
		return False


def down(_: object = None) -> int:
	# Last started, first ended: workers before what they work with.
	for name, pid in reversed(remembered().items()):
		try:
			os.killpg(pid, signal.SIGTERM)
			print(f"ended {name} ({pid})")
		except ProcessLookupError:
			print(f"{name} ({pid}) had ended")
	STATE.unlink(missing_ok=True)
	return 0


def start(name: str, command: list[str], folder: Path = BENCH, **environment: str) -> int:
	"""Start a process that outlives this one, and remember it for `down`."""
	log = (BENCH / "logs" / f"{name}.test.log").open("ab")
	process = subprocess.Popen(
		command,
		cwd=folder,
		env={**os.environ, **environment},
		stdin=subprocess.DEVNULL,
		stdout=log,
		stderr=log,
		start_new_session=True,
	)
	STATE.write_text(json.dumps({**remembered(), name: process.pid}))
	print(f"started {name} ({process.pid})", flush=True)
	return process.pid


def remembered() -> dict[str, int]:
	return json.loads(STATE.read_text()) if STATE.exists() else {}


def wait(what: str, holds, seconds: float = 60) -> None:
	deadline = time.monotonic() + seconds
	while not holds():
		if time.monotonic() > deadline:
			raise SystemExit(f"{what}: not within {seconds:.0f} seconds. See {BENCH / 'logs'}.")
		time.sleep(0.2)


def database_answers() -> bool:
	config = site_config()
	host, port = config.get("db_host") or "127.0.0.1", int(config.get("db_port") or 3306)
	places = [config["db_socket"]] if config.get("db_socket") else []
	if host in ("localhost", "127.0.0.1"):
		places += MARIADB_SOCKETS
	return answers(host, port) or any(os.path.exists(place) and answers_at(place) for place in places)


def redis_answers(name: str) -> bool:
	return answers(*redis_address(name))


def redis_address(name: str) -> tuple[str, int]:
	host, _, port = site_config()[f"redis_{name}"].removeprefix("redis://").partition(":")
	return host.rpartition("@")[2], int(port.split("/")[0])


def answers(host: str, port: int) -> bool:
	try:
		socket.create_connection((host, port), timeout=1).close()
	except OSError:
		return False
	return True


def answers_at(path: str) -> bool:
	with socket.socket(socket.AF_UNIX) as connection:
		connection.settimeout(1)
		return connection.connect_ex(path) == 0


# The app


def link(_: object = None) -> int:
	"""Make the bench's app this checkout, whichever it was before, and whether or not that one is still there."""
	app = BENCH / "apps" / APP
	if app.is_symlink():
		app.unlink()
	elif app.exists():
		raise SystemExit(f"{app} is a folder of its own. Move it away to test this checkout.")
	app.symlink_to(CHECKOUT, target_is_directory=True)
	apps = BENCH / "sites" / "apps.txt"
	names = apps.read_text().split()
	if APP not in names:
		apps.write_text("\n".join([*names, APP]) + "\n")
	# The link stays the same while what it leads to changes, so the install is made through the link.
	run(
		[
			str(python()),
			"-m",
			"pip",
			"install",
			"--quiet",
			"--disable-pip-version-check",
			"-e",
			str(app),
			"pytest",
		]
	)
	if (BENCH / "config" / "flow_editor_kept.pickle").exists():
		put_back()  # before the migration, which would leave nothing to put back to; after the link, which it needs
	installed = run([*frappe(), "list-apps"], capture=True)
	run(
		[*frappe(), "migrate", "--skip-search-index"] if APP in installed else [*frappe(), "install-app", APP]
	)
	run([str(python()), str(CHECKOUT / "tests" / "site" / "prepare.py"), SITE])
	run([*frappe(site=False), "build", "--app", APP])
	return 0


def test(arguments: list[str]) -> int:
	up()
	link()
	folder = BENCH / "sites"
	command = [
		str(python()),
		"-m",
		"pytest",
		"-c",
		str(CHECKOUT / "pyproject.toml"),
		"--rootdir",
		str(CHECKOUT),
	]
	tests = [str(CHECKOUT / "tests" / name) for name in ("site", "contract")]
	return subprocess.run(
		[*command, *(arguments or tests)],
		cwd=folder,
		env={**os.environ, "FLOW_EDITOR_CONTRACT": "site"},
	).returncode


def chaos(arguments: list[str]) -> int:
	up()
	link()
	script = CHECKOUT / "tests" / "site" / "chaos.py"
	note()
	try:
		return subprocess.run(
			[str(python()), "-W", "ignore", str(script), *arguments], cwd=BENCH / "sites"
		).returncode
	finally:
		put_back()


def python() -> Path:
	return BENCH / "env" / "bin" / "python"


def frappe(*, site: bool = True) -> list[str]:
	"""The beginning of a bench command, without need of the bench tool itself."""
	return [str(python()), "-m", "frappe.utils.bench_helper", "frappe", *(["--site", SITE] if site else [])]


def run(command: list[str], *, capture: bool = False) -> str:
	done = subprocess.run(
		command, cwd=BENCH / "sites", text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
	)
	if done.returncode:
		raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout[-5000:]}")
	if not capture:
		shown = command[3:] if command[1] == "-m" else [Path(command[1]).name, *command[2:]]
		print(f"ok: {' '.join(shown)}", flush=True)
	return done.stdout


COMMANDS = {
	"check": lambda _: 0,
	"up": up,
	"link": link,
	"serve": serve,
	"workers": workers,
	"test": test,
	"chaos": chaos,
	"put-back": put_back,
	"down": down,
}

if __name__ == "__main__":
	sys.exit(main(sys.argv[1:]))
