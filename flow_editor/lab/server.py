"""The lab's web server: the routes of the table at /flow/…, the lab's own at /lab/…, and its pages.

It listens on loopback alone, and refuses requests whose Host or Origin is another: a web page elsewhere can
neither point its own name here nor send a form. With a token, every /flow and /lab request must carry it.
"""

from __future__ import annotations

import hmac
import json
import logging
import mimetypes
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from flow_editor.doors import routes
from flow_editor.engine import timing
from flow_editor.engine.errors import (
	FlowError,
	Invalid,
	NotAllowed,
	NotFound,
	NotSignedIn,
	Problem,
	TooLarge,
	Unreadable,
)
from flow_editor.lab import samples
from flow_editor.lab.host import LabHost
from flow_editor.services import inbox, portable, slots
from flow_editor.trial.answers import answers_in

PAGES = Path(__file__).parent / "pages"
#: The editor, as `npm run build` makes it.
BUILT = PAGES / "built"
LOOPBACK = "127.0.0.1"
NAMES = (LOOPBACK, "localhost")
MAX_BODY = 16 * 1024 * 1024
POLICY = (
	"default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)
logger = logging.getLogger("flow_editor.lab")


def open_lab(path: str) -> LabHost:
	"""The lab in a file, with the shipped flows and, where it is new, the sample documents."""
	host = LabHost(path)
	with host.store.transaction():
		portable.seed(host)
		if host.store.meta("samples") is None:
			samples.insert(host)
			host.store.set_meta("samples", "inserted")
	return host


def serve(path: str, port: int, token: str = "") -> None:
	"""Serve the lab until interrupted."""
	host = open_lab(path)
	server = make_server(LOOPBACK, port, LabApp(host, port, token))
	print(f"Flow Editor's lab: http://{LOOPBACK}:{server.server_port}  ({path}; Ctrl+C ends it)", flush=True)
	try:
		server.serve_forever()
	except KeyboardInterrupt:
		print("ended")
	finally:
		host.store.close()


class LabApp:
	"""The WSGI application."""

	def __init__(self, host: LabHost, port: int, token: str = ""):
		self.host = host
		self.origins = {f"http://{name}:{port}" for name in NAMES}
		self.hosts = {f"{name}:{port}" for name in NAMES}
		self.token = token

	def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
		request = Request(environ)
		# A body in chunks does not say beforehand how long it is, and is cut here; see `_body`.
		request.max_content_length = MAX_BODY + 1
		try:
			response = self.answer(request)
		except RequestEntityTooLarge:
			response = _refused(TooLarge(MAX_BODY))
		except FlowError as error:
			response = _refused(error)
		except Exception:
			logger.exception("%s %s", request.method, request.path)
			broken = {
				"code": "broken",
				"message": "Something broke; the lab's console says what.",
				"problems": [],
			}
			response = _json({"error": broken}, 500)
		response.headers["Content-Security-Policy"] = POLICY
		response.headers["X-Content-Type-Options"] = "nosniff"
		if request.path.startswith((routes.PREFIX, "/lab/")):
			response.headers["Cache-Control"] = "no-store"
		return response(environ, start_response)

	def answer(self, request: Request) -> Response:
		self._check_origin(request)
		path = request.path
		if path.startswith((f"{routes.PREFIX}/", "/lab/")):
			self._check_token(request)
			return self._flow(request) if path.startswith(routes.PREFIX) else self._lab(request)
		if request.method not in ("GET", "HEAD"):
			raise routes.WrongVerb(["GET"])
		return _page(path)

	def _check_origin(self, request: Request) -> None:
		if request.headers.get("Host") not in self.hosts:
			raise NotAllowed("The lab answers to its own address alone.")
		origin = request.headers.get("Origin")
		if origin is not None and origin not in self.origins:
			raise NotAllowed("The lab takes no requests from other pages.")

	def _check_token(self, request: Request) -> None:
		scheme, _, given = request.headers.get("Authorization", "").partition(" ")
		if self.token and not (
			scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), self.token.encode())
		):
			raise NotSignedIn("Send the lab's token as a bearer token.")

	def _flow(self, request: Request) -> Response:
		path = request.path.removeprefix(routes.PREFIX)
		if request.method == "OPTIONS":
			return Response(status=204, headers={"Allow": ", ".join(routes.allowed(path))})
		route, parts = routes.find(request.method, path)
		given = routes.read(route, parts, request.args.to_dict(), _body(request), request.headers)
		with self.host.store.transaction():
			answer = route.handler(self.host, **given)
		self._drain()
		return _json(answer, route.status)

	# The lab's own

	def _lab(self, request: Request) -> Response:
		verb, path = request.method, request.path.removeprefix("/lab")
		if (verb, path) == ("GET", "/state"):
			return _json(self._state())
		if (verb, path) == ("POST", "/clock"):
			self._move_clock(str(_object(request).get("to") or ""))
			return _json(self._state())
		if (verb, path) == ("GET", "/documents"):
			return _json({"documents": self.host.documents.all()})
		if (verb, path) in (("POST", "/documents"), ("PUT", "/documents")):
			with self.host.store.transaction():
				doc = self._write(verb, _object(request))
			self._drain()
			return _json({"document": doc}, 201 if verb == "POST" else 200)
		if (verb, path) == ("DELETE", "/documents"):
			doctype, name = self._named(_object(request))
			with self.host.store.transaction():
				self.host.documents.delete(doctype, name)
			self._drain()
			return _json({"deleted": {"doctype": doctype, "name": name}})
		if (verb, path) == ("GET", "/sent"):
			return _json({"sent": self.host.sent()})
		if (verb, path) == ("PUT", "/http"):
			answers = answers_in(_object(request).get("answers"))
			with self.host.store.transaction():
				self.host.http.answers = answers
		if path == "/http" and verb in ("GET", "PUT"):
			return _json({"answers": [answer.as_dict() for answer in self.host.http.answers]})
		raise NotFound(f"There is nothing at /lab{path} for {verb}.")

	def _state(self) -> dict[str, Any]:
		due = self.host.store.next_due()
		return {
			"now": timing.in_seconds(self.host.now()),
			"next_due": timing.in_seconds(due) if due else None,
		}

	def _write(self, verb: str, values: dict[str, Any]) -> dict[str, Any]:
		doctype, name = self._named(values, is_new=verb == "POST")
		del values["doctype"]
		if verb == "POST":
			name = self.host.documents.create(doctype, values)
		else:
			self.host.documents.update(doctype, name, values)
		return self.host.documents.stored(doctype, name)

	@staticmethod
	def _named(values: dict[str, Any], *, is_new: bool = False) -> tuple[str, str]:
		"""The DocType and the name of a document; a new one may be without a name. Raises Invalid."""
		doctype, name = str(values.get("doctype") or ""), str(values.get("name") or "")
		missing = [key for key, value in (("doctype", doctype), ("name", name or is_new)) if not value]
		if missing:
			problems = [Problem(f"{key} is missing. Add it.", field=key) for key in missing]
			raise Invalid.because(problems, "This document")
		return doctype, name

	def _move_clock(self, to: str) -> None:
		"""To `next` (the next thing due), a length such as +1h, or a moment; then do what is due."""
		host = self.host
		if to == "next":
			target = host.store.next_due()
			if target is None:
				raise Invalid.because([Problem("Nothing is due.", field="to")], "This request")
			target = max(target, host.now())
		else:
			target = self._moment(to)
		with host.store.transaction():
			host.move_clock(target)
		host.poke()
		self._drain()

	def _moment(self, to: str) -> datetime:
		try:
			if to.startswith("+"):
				return self.host.now() + timing.parse_span(to[1:])
			return timing.parse_moment(to, self.host.timezone)
		except (ValueError, OverflowError) as error:
			raise Invalid.because([Problem(str(error), field="to")], "This request") from None

	def _drain(self) -> None:
		"""What a worker does on a site: the lab does it before it answers."""
		slots.sweep(self.host)
		if self.host.poked:
			self.host.poked = False
			inbox.drain(self.host, seconds=timedelta(minutes=10).total_seconds())


def _body(request: Request) -> bytes:
	body = request.get_data()
	if len(body) > MAX_BODY:
		raise TooLarge(MAX_BODY)
	return body


def _object(request: Request) -> dict[str, Any]:
	try:
		given = json.loads(_body(request))
	except (ValueError, RecursionError) as error:
		raise Unreadable(f"The body is not JSON: {error}.") from None
	if not isinstance(given, dict):
		raise Unreadable("The body is not a JSON object.")
	return given


def _page(path: str) -> Response:
	"""A file of the pages; nothing outside them, whatever the path says."""
	name = "index.html" if path == "/" else path.lstrip("/")
	known = {
		file.relative_to(PAGES).as_posix(): file for folder in (PAGES, BUILT) for file in folder.glob("*.*")
	}
	if name not in known:
		raise NotFound(f"There is nothing at {path}.")
	kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
	return Response(known[name].read_bytes(), content_type=f"{kind}; charset=utf-8")


def _refused(error: FlowError) -> Response:
	response = _json(routes.error_answer(error), error.status)
	if isinstance(error, routes.WrongVerb):
		response.headers["Allow"] = ", ".join(error.allowed)
	return response


def _json(content: dict[str, Any], status: int = 200) -> Response:
	return Response(json.dumps(content, ensure_ascii=False, default=str), status, mimetype="application/json")
