from __future__ import annotations

import pytest


def put(bench, **statuses):
	for name, status in statuses.items():
		bench.documents.put("Subscription", name, party_type="Customer", party="CUST-1", status=status)


def test_the_one_that_is_named(bench):
	put(bench, S1="Cancelled", S2="Trialling")
	bench.run.variables["s"] = "S2"
	assert bench.do("subscription_activate", {"subscription_ref": "{{variables.s}}"}) == {
		"subscription": "S2",
		"status": "Active",
		"was": "Trialling",
		"changed": True,
	}


@pytest.mark.parametrize("ref", ["", "{{variables.none}}"])
def test_the_customers_one_that_is_not_active(bench, ref):
	put(bench, S1="Active", S2="Unpaid", S3="Active")
	assert bench.do("subscription_activate", {"subscription_ref": ref})["subscription"] == "S2"


def test_only_active_ones_stay_as_they_are(bench):
	put(bench, S1="Active", S2="Active")
	result = bench.do("subscription_activate", {})
	assert (result["status"], result["changed"]) == ("Active", False)


def test_which_one_is_never_guessed(bench):
	put(bench, S1="Trialling", S2="Unpaid")
	message = bench.fails("subscription_activate", {})
	assert "S1" in message and "S2" in message and "Fill in Subscription" in message


def test_none_at_all_says_what_to_do(bench):
	assert "Create one" in bench.fails("subscription_activate", {})
	bench.run.customer = ""
	assert "no customer" in bench.fails("subscription_activate", {})
