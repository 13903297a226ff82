"""Drafts and publishing, on whichever host: what somebody has in hand stands beside what is published, until it is published."""

from __future__ import annotations

import json

import pytest
from test_editing import ask
from test_services import create, start, step

from flow_editor.engine.errors import Conflict, Invalid, NotAllowed, NotFound, RunAsChanges
from flow_editor.services import listening, looking, portable, publishing, templates

BROKEN = {"version": 1, "steps": [step("a", "no_such_kind"), step("a", depends_on=["nowhere"])]}


def put(world, name: str, **values) -> dict:
	return ask(world, "PUT", f"/templates/{name}", **values)


def draft(world, name: str, **values) -> dict:
	return put(world, name, draft=True, **values)


def post(world, name: str, verb: str, **body) -> dict:
	return ask(world, "POST", f"/templates/{name}/{verb}", **body)


def look(world, name: str) -> dict:
	return ask(world, "GET", f"/templates/{name}")


def numbers(world, name: str) -> list[int]:
	return [one["version"] for one in ask(world, "GET", f"/templates/{name}/versions")["versions"]]


def new_draft(world, **values) -> str:
	return ask(world, "POST", "/templates", draft=True, **values)["template"]["name"]


# Beside what is published


def test_a_draft_stands_beside_what_is_published_and_changes_nothing_of_it(world):
	made = create(world, step("a"), notes="As it is", is_active=1, trigger_event="on_issue_opened")
	name = made["name"]
	before = look(world, name)
	assert before["draft"] is None and before["template"]["draft_revision"] == 0
	answer = draft(world, name, notes="As it will be", flow_definition={"steps": [step("b"), step("c")]})
	assert answer["problems"] == [] and answer["notices"] == []
	after = look(world, name)
	same = ("version", "notes", "flow_definition", "step_count", "checksum", "is_active", "modified")
	assert {field: after["template"][field] for field in same} == {
		field: before["template"][field] for field in same
	}
	kept = after["draft"]
	assert kept == answer["draft"]
	assert (kept["notes"], kept["template_name"], kept["draft_revision"], kept["version"]) == (
		"As it will be",
		made["template_name"],
		1,
		1,
	)
	assert [one["id"] for one in kept["flow_definition"]["steps"]] == ["b", "c"]
	assert kept["draft_by"] == world.host.user and kept["draft_at"]
	assert "is_active" not in kept and "draft" not in after["template"]
	# What is published goes on running, and every run says the version that it is of.
	run = looking.get(world.host, start(world, made))
	assert set(run["step_state"]) == {"a"} and run["template_version"] == 1
	assert numbers(world, name) == [1]


def test_a_list_tells_of_drafts_and_holds_none(world):
	name = create(world, step("a"))["name"]
	draft(world, name, notes="Secret plan")
	(listed,) = [one for one in ask(world, "GET", "/templates")["templates"] if one["name"] == name]
	assert (listed["draft_revision"], listed["draft_by"]) == (1, world.host.user) and listed["draft_at"]
	assert "draft" not in listed and "Secret plan" not in json.dumps(listed, default=str)


def test_a_draft_keeps_what_is_wrong_with_it_and_says_it(world):
	name = create(world, step("a"))["name"]
	answer = draft(
		world, name, flow_definition=BROKEN, template_name=" ", category="nowhere", trigger_event="on_x",
		trigger_condition="{", icon="x" * 200, notes="\u0000", re_entry="Maybe", catalog="none",
	)  # fmt: skip
	found = {(one["step"], one["field"]) for one in answer["problems"]}
	assert found >= {
		("", "template_name"), ("", "category"), ("", "trigger_event"), ("", "trigger_condition"), ("", "icon"), ("", "notes"),
		("", "re_entry"), ("", "catalog"), ("a", "kind"), ("a", "id"), ("a", "depends_on"),
	}  # fmt: skip
	kept = look(world, name)["draft"]
	assert (kept["trigger_condition"], kept["notes"], kept["icon"]) == ("{", "\u0000", "x" * 200)
	assert [one["id"] for one in kept["flow_definition"]["steps"]] == ["a", "a"]
	with pytest.raises(Invalid) as refused:
		post(world, name, "publish")
	assert {(problem.step, problem.field) for problem in refused.value.problems} == found
	assert look(world, name)["draft"] == kept and look(world, name)["template"]["version"] == 1


@pytest.mark.parametrize(
	"definition", ["{nonsense", "[]", '{"steps": NaN}', '{"a": 1, "a": 2}', '{"a": ' + "[" * 40 + "]" * 40 + "}"]
)  # fmt: skip
def test_a_draft_that_is_no_strict_json_is_refused_and_the_one_before_stays(world, definition):
	name = create(world, step("a"))["name"]
	draft(world, name, notes="kept")
	with pytest.raises(Invalid):
		draft(world, name, flow_definition=definition, notes="lost")
	assert look(world, name)["draft"]["notes"] == "kept"


def test_a_draft_that_is_too_large_is_refused(world):
	name = create(world, step("a"))["name"]
	with pytest.raises(Invalid, match="at most"):
		draft(world, name, notes="x" * (world.host.limits.max_bytes + 1))
	with pytest.raises(Invalid, match="no field 'nope'"):
		draft(world, name, nope=1)
	assert look(world, name)["draft"] is None


def test_a_draft_says_what_is_probably_not_meant(world):
	name = create(world, step("a"))["name"]
	payload = {"subject": "x", "description": "{{steps.nowhere.x}}"}
	answer = draft(world, name, flow_definition={"steps": [step("a", "issue", payload=payload)]})
	asked = ask(world, "POST", "/validate", flow_definition=answer["draft"]["flow_definition"], template=name)
	assert (answer["problems"], answer["warnings"]) == (asked["problems"], asked["warnings"])
	assert answer["problems"] or answer["warnings"]


def test_fields_come_one_by_one_and_what_was_written_last_about_the_start_wins(world):
	name = create(world, step("a"))["name"]
	draft(world, name, notes="n")
	draft(world, name, trigger_event="on_issue_opened")
	kept = draft(world, name, tags="t")["draft"]
	assert (kept["notes"], kept["tags"], kept["trigger_event"]) == ("n", "t", "on_issue_opened")
	assert kept["flow_definition"]["trigger"]["event"] == "on_issue_opened"
	draft(world, name, flow_definition={"trigger": {"event": "on_customer_created"}, "steps": [step("b")]})
	published = post(world, name, "publish")["template"]
	assert (published["trigger_event"], published["notes"], published["tags"]) == (
		"on_customer_created",
		"n",
		"t",
	)


# Who was first


def test_of_two_who_keep_a_draft_the_second_is_told_who_and_when_and_nothing_is_lost(world):
	name = create(world, step("a"))["name"]
	assert draft(world, name, notes="first", draft_revision=0)["draft"]["draft_revision"] == 1
	assert draft(world, name, notes="second", draft_revision=1)["draft"]["draft_revision"] == 2
	kept = look(world, name)["draft"]
	for verb in (
		lambda: draft(world, name, notes="third", draft_revision=1),
		lambda: post(world, name, "publish", draft_revision=1),
		lambda: post(world, name, "discard", draft_revision=1),
		lambda: post(world, name, "restore", version=1, draft=True, draft_revision=1),
	):
		with pytest.raises(Conflict) as told:
			verb()
		assert f"{world.host.user} kept revision 2" in told.value.message
		assert str(kept["draft_at"])[:16] in told.value.message
		assert look(world, name)["draft"] == kept
	draft(world, name, notes="third", draft_revision=2)
	assert look(world, name)["draft"]["notes"] == "third"


def test_who_edits_a_draft_that_was_published_meanwhile_is_told_so(world):
	name = create(world, step("a"))["name"]
	draft(world, name, notes="x")
	post(world, name, "publish")
	with pytest.raises(
		Conflict, match=f"published or discarded. {world.host.user} published version 2 at 20"
	):
		draft(world, name, notes="y", draft_revision=1)
	revision = look(world, name)["template"]["draft_revision"]
	assert draft(world, name, notes="y", draft_revision=revision)["draft"]["notes"] == "y"
	# The number of a draft that is gone is no other draft's.
	assert look(world, name)["draft"]["draft_revision"] not in (1, revision)


def test_a_draft_does_not_undo_what_was_published_since_it_was_begun(world):
	name = create(world, step("a"))["name"]
	draft(world, name, notes="mine")
	put(world, name, description="theirs")
	with pytest.raises(Conflict, match=f"begun on version 1.*{world.host.user} published version 2 at 20"):
		post(world, name, "publish")
	with pytest.raises(Conflict, match=r"published version 2 at 20.*You were editing version 1"):
		draft(world, name, notes="mine", version=1)
	kept = look(world, name)
	assert (kept["draft"]["notes"], kept["template"]["description"]) == ("mine", "theirs")
	# Who has looked at it says so by its number.
	draft(world, name, description="theirs", version=2)
	published = post(world, name, "publish")["template"]
	assert (published["notes"], published["description"], published["version"]) == ("mine", "theirs", 3)


# Publishing


def test_publishing_makes_one_version_with_its_note_and_clears_the_draft(world):
	name = create(world, step("a"))["name"]
	draft(world, name, notes="x", flow_definition={"steps": [step("b")]})
	answer = post(world, name, "publish", draft_revision=1, note="Because\nof Ana")
	assert (answer["template"]["version"], answer["template"]["notes"], answer["draft"]) == (2, "x", None)
	seen = look(world, name)
	assert seen["draft"] is None and seen["template"]["draft_by"] is None
	newest, oldest = ask(world, "GET", f"/templates/{name}/versions")["versions"]
	assert set(newest) == {"version", "saved_by", "saved_at", "note", "checksum"}
	assert (newest["version"], newest["note"], newest["saved_by"]) == (2, "Because\nof Ana", world.host.user)
	assert newest["checksum"] == seen["template"]["checksum"] and newest["saved_at"]
	assert (oldest["version"], oldest["note"]) == (1, "")
	one = ask(world, "GET", f"/templates/{name}/versions/1")["version"]
	assert [step["id"] for step in one["flow_definition"]["steps"]] == ["a"] and one["version"] == 1
	with pytest.raises(Conflict, match="no draft to publish"):
		post(world, name, "publish")
	with pytest.raises(NotFound, match="Version 9"):
		ask(world, "GET", f"/templates/{name}/versions/9")
	for wrong in ("latest", "-1", "1" * 5000):
		with pytest.raises(Invalid, match="no version"):
			ask(world, "GET", f"/templates/{name}/versions/{wrong}")
	for path in ("versions", "versions/1"):
		with pytest.raises(NotFound):
			ask(world, "GET", f"/templates/FT-NONE/{path}")


def test_a_draft_that_says_nothing_new_makes_no_version(world):
	name = create(world, step("a"))["name"]
	draft(world, name, notes="")
	answer = post(world, name, "publish", note="nothing")
	assert (answer["template"]["version"], numbers(world, name)) == (1, [1])
	assert answer["notices"] == [
		"The draft said nothing else than what is published, so there is no new version."
	]
	assert look(world, name)["draft"] is None


def test_a_publishing_that_fails_stores_neither_a_version_nor_anything_else(world, monkeypatch):
	name = create(world, step("a"))["name"]
	draft(world, name, notes="x")
	before = look(world, name)

	def fails(*_, **__):
		raise Conflict("What follows from a version fails.")

	with monkeypatch.context() as broken:
		broken.setattr(publishing, "published", fails)
		with pytest.raises(Conflict, match="What follows"):
			post(world, name, "publish")
	assert look(world, name) == before and numbers(world, name) == [1]
	assert post(world, name, "publish")["template"]["version"] == 2


def test_a_note_is_words(world):
	name = create(world, step("a"))["name"]
	draft(world, name, notes="x")
	for note in ("x" * 1001, "\u0007"):
		with world.transaction(), pytest.raises(Invalid):
			publishing.publish(world.host, name, note=note)
	assert numbers(world, name) == [1]


def test_a_put_publishes_as_ever_and_takes_a_draft_away_that_says_the_same(world):
	name = create(world, step("a"))["name"]
	draft(world, name, notes="x")
	put(world, name, notes="y")
	assert look(world, name)["draft"]["notes"] == "x"  # nothing is lost
	put(world, name, notes="x")
	assert look(world, name)["draft"] is None and numbers(world, name) == [3, 2, 1]
	with pytest.raises(Invalid):
		put(world, name, flow_definition=BROKEN)


def test_a_template_that_was_read_may_be_sent_back(world):
	name = create(world, step("a"))["name"]
	draft(world, name, notes="x")
	read = look(world, name)
	with world.transaction():
		templates.update(world.host, name, read["template"])
	again = draft(
		world,
		name,
		**{key: str(value) if key == "draft_at" else value for key, value in read["draft"].items()},
	)
	assert again["draft"]["notes"] == "x" and numbers(world, name) == [1]


def test_a_publishing_that_would_run_as_another_than_was_said_is_refused(world):
	name = create(world, step("a"))["name"]
	draft(world, name, notes="x")
	asked = post(world, name, "check", draft=True)
	assert asked["will_run_as"] == world.host.user
	with pytest.raises(RunAsChanges):
		post(world, name, "publish", will_run_as="ana@example.com")
	assert look(world, name)["draft"]["notes"] == "x"
	assert post(world, name, "publish", will_run_as=asked["will_run_as"])["template"]["version"] == 2
	draft(world, name, flow_definition=BROKEN)
	with pytest.raises(Invalid):
		post(world, name, "check", draft=True)


# Switching on and off


def test_switching_on_and_off_publishes_no_draft_and_leaves_it(world):
	name = create(world, step("a"), is_active=0)["name"]
	draft(world, name, notes="x", flow_definition=BROKEN)
	kept = look(world, name)["draft"]
	answer = put(world, name, is_active=1)["template"]
	assert (answer["is_active"], answer["version"], answer["notes"]) == (1, 2, "")
	assert look(world, name)["draft"] == kept
	# Within the write of a draft too.
	answer = draft(world, name, flow_definition={"steps": [step("b")]}, is_active=0, version=1)
	assert (answer["template"]["is_active"], answer["template"]["version"]) == (0, 3)
	assert [one["id"] for one in answer["template"]["flow_definition"]["steps"]] == ["a"]
	# And the draft still stands on what is published.
	published = post(world, name, "publish")["template"]
	assert (published["version"], published["notes"], published["is_active"]) == (4, "x", 0)


# What was never published


def test_a_first_draft_has_version_0_and_can_be_neither_switched_on_nor_started(world):
	answer = ask(
		world, "POST", "/templates", draft=True, template_name="First", flow_definition={"steps": [step("a")]},
		trigger_event="on_issue_opened",
	)  # fmt: skip
	template, name = answer["template"], answer["template"]["name"]
	assert (template["version"], template["is_active"], template["step_count"]) == (0, 0, 0)
	assert answer["draft"]["version"] == 0 and answer["draft"]["draft_revision"] == 1
	assert answer["problems"] == [] and numbers(world, name) == []
	for refused in (
		lambda: put(world, name, is_active=1),
		lambda: draft(world, name, is_active=True),
		lambda: ask(world, "POST", "/templates", draft=True, template_name="Second", is_active=1),
		lambda: ask(world, "POST", "/start", template=name),
		lambda: ask(world, "POST", "/confirm", template=name),
		lambda: post(world, name, "discard"),
	):
		with pytest.raises(Conflict, match="was never published"):
			refused()
	with pytest.raises(Conflict, match="was never published"), world.transaction():
		portable.export(world.host, name)
	assert put(world, name, is_active=0)["template"]["version"] == 0
	with world.transaction():
		issue = world.issue(world.customer())
	with world.transaction():
		results = listening.dispatch_event(world.host, "on_issue_opened", doctype="Issue", docname=issue)
	assert name not in [one["template"] for one in results]
	published = post(world, name, "publish", note="The first")["template"]
	assert (published["version"], published["step_count"], published["is_active"]) == (1, 1, 0)
	assert published["trigger_event"] == "on_issue_opened" and numbers(world, name) == [1]
	assert put(world, name, is_active=1)["template"]["is_active"] == 1
	assert ask(world, "POST", "/start", template=name)["run"]["status"] == "completed"


def test_an_unpublished_flow_is_found_by_its_draft_s_name_or_by_one_that_it_can_have(world):
	taken = create(world, step("a"))["template_name"]
	name = new_draft(world, template_name=taken, flow_definition=BROKEN)

	def title() -> str:
		return look(world, name)["template"]["template_name"]

	assert title() == f"{taken} (2)" and look(world, name)["draft"]["template_name"] == taken
	problems = draft(world, name, notes="x")["problems"]
	assert "template_name" in {one["field"] for one in problems} and title() == f"{taken} (2)"
	for written, shown in (("", "Untitled flow"), ("x" * 300, "x" * 140), ("Two\nlines", "Untitled flow")):
		draft(world, name, template_name=written)
		assert title() == shown
	draft(world, name, template_name=f"{taken} at last", category="billing", flow_definition={"steps": []})
	assert title() == f"{taken} at last"
	assert post(world, name, "publish")["template"]["category"] == "billing"
	# Once it is published, its name is what is published.
	draft(world, name, template_name="Another")
	assert title() == f"{taken} at last"


def test_two_first_drafts_without_a_name_are_two(world):
	one, other = new_draft(world), new_draft(world)
	titles = {look(world, name)["template"]["template_name"] for name in (one, other)}
	assert len(titles) == 2 and all(title.startswith("Untitled flow") for title in titles)


def test_a_put_publishes_a_first_draft_with_what_it_says_over_it(world):
	name = new_draft(world, template_name="Put", notes="n", flow_definition={"steps": [step("a")]})
	published = put(world, name)["template"]
	assert (published["version"], published["notes"], published["step_count"]) == (1, "n", 1)
	assert look(world, name)["draft"] is None
	other = new_draft(world, template_name="Put otherwise", notes="n", flow_definition={"steps": [step("a")]})
	published = put(world, other, notes="m", is_active=1)["template"]
	assert (published["version"], published["notes"], published["step_count"], published["is_active"]) == (
		1,
		"m",
		1,
		1,
	)
	assert look(world, other)["draft"]["notes"] == "n"


def test_a_copy_of_what_was_never_published_is_a_draft_and_deleting_takes_it_away(world):
	name = new_draft(world, template_name="Original", flow_definition=BROKEN, notes="n")
	copy = post(world, name, "duplicate")["template"]
	assert (copy["version"], copy["template_name"]) == (0, "Original (copy)")
	kept = look(world, copy["name"])["draft"]
	assert (kept["notes"], len(kept["flow_definition"]["steps"]), kept["template_name"]) == (
		"n",
		2,
		"Original (copy)",
	)
	ask(world, "DELETE", f"/templates/{name}")
	with pytest.raises(NotFound):
		look(world, name)


# Giving up and going back


def test_a_draft_is_discarded_and_what_is_published_stays(world):
	name = create(world, step("a"), notes="n")["name"]
	draft(world, name, notes="x")
	answer = post(world, name, "discard", draft_revision=1)
	assert answer["notices"] == [] and look(world, name)["draft"] is None
	assert (answer["template"]["notes"], answer["template"]["version"]) == ("n", 1)
	assert post(world, name, "discard")["notices"] == ["This flow has no draft."]


def test_a_version_is_restored_into_the_draft_and_published_from_there(world):
	name = create(world, step("first"), trigger_event="on_issue_opened")["name"]
	put(world, name, flow_definition={"steps": []}, trigger_event="manual", notes="Second")
	draft(world, name, tags="kept")
	answer = post(world, name, "restore", version=1, draft=True, draft_revision=1)
	assert "Publish it" in answer["notices"][0] and answer["template"]["version"] == 2
	kept = answer["draft"]
	assert (kept["trigger_event"], kept["tags"], kept["notes"]) == ("on_issue_opened", "kept", "Second")
	assert [one["id"] for one in kept["flow_definition"]["steps"]] == ["first"]
	assert look(world, name)["template"]["step_count"] == 0 and numbers(world, name) == [2, 1]
	published = post(world, name, "publish")["template"]
	assert (published["version"], published["step_count"], published["trigger_event"]) == (
		3,
		1,
		"on_issue_opened",
	)
	with pytest.raises(NotFound, match="Version 9"):
		post(world, name, "restore", version=9, draft=True)
	with pytest.raises(Conflict, match="did not come with the app"):
		post(world, name, "restore", version="shipped", draft=True)


def test_what_came_with_the_app_is_restored_into_the_draft(world):
	with world.transaction():
		(name,) = [
			one["name"] for one in templates.find(world.host, {}) if one["template_name"] == "move_service"
		]
	before = look(world, name)["template"]
	answer = post(world, name, "restore", version="shipped", draft=True)
	assert answer["problems"] == [] and answer["draft"]["flow_definition"]["steps"]
	assert look(world, name)["template"] == {
		**before,
		**{k: answer["template"][k] for k in ("draft_revision", "draft_by", "draft_at")},
	}
	(problem,) = draft(world, name, template_name="Renamed")["problems"]
	assert problem["field"] == "template_name" and "keeps its name" in problem["message"]
	with pytest.raises(NotAllowed, match="keeps its name"):
		post(world, name, "publish")
	post(world, name, "discard")
