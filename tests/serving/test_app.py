"""What the addresses answer."""

import json

import pytest

import lenet
from lenet.data import NAMES
from lenet.net import zoo
from lenet.training.recipe import names

NET = "1x8x8 | conv 4 k3 relu, maxpool 2 | dense 10"


def test_the_page_and_its_files(send):
    page = send("GET", "/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    for address in ("/web/theme.css", "/web/serve/style.css", "/web/serve/app.js", "/web/look.js"):
        assert send("GET", address).status_code == 200, address
    assert "--conv-face" in send("GET", "/web/theme.css").text


@pytest.mark.parametrize(
    "path",
    [
        *("/web/serve/../../cli/main.py", "/web/%2e%2e/model.py", "/web//etc/passwd"),
        *("/web/serve/nothing.js", "/web/serve/app.js/", "/api/build/x", "/runs/run-0"),
    ],
)
def test_there_is_nothing_elsewhere(send, path):
    answer = send("GET", path)
    assert answer.status_code in (400, 404)
    assert answer.json().keys() == {"error"}


def test_a_question_is_posted(send):
    assert send("GET", "/api/runs").status_code == 405


def test_what_can_be_chosen(ask):
    start = ask("start")
    assert [one["name"] for one in start["zoo"]] == list(zoo.names())
    assert [one["name"] for one in start["data"]] == list(NAMES)
    assert start["data"][0]["is_here"]
    recipes = {recipe["name"]: recipe for recipe in start["recipes"]["digits"]}
    assert recipes.keys() < {*names(), ""}
    assert recipes["modern"]["values"]["epochs"] == lenet.recipe("modern").epochs


def test_a_network_is_built(ask):
    assert ask("build", net="lenet")["facts"]["parameters"] == "44,426"


def test_a_network_is_deduced(ask):
    assert ask("deduce", figure="28x28 -> 6@24x24 -> 10")["network"].startswith(
        "1x28x28 | conv 6 k5"
    )


def test_runs_are_listed(ask):
    runs = {run["name"]: run for run in ask("runs")["runs"]}
    assert runs.keys() == {"run-0", "run-1"}
    record = lenet.report("runs/run-0")
    assert runs["run-0"]["accuracy"] == record.record.kept["test_accuracy"]
    assert runs["run-0"]["network"] == str(lenet.parse(NET))
    assert runs["run-0"]["has_model"]


def test_curves_of_one_run_have_its_signals(ask):
    charts = ask("curves", runs=["run-0"])["charts"]
    assert "Cross-entropy loss" in charts[0]
    assert "Accuracy in %" in charts[1]
    assert any("Gradient, in parts of the weights" in chart for chart in charts)
    assert all("style" not in chart for chart in charts)


def test_curves_of_several_runs_stand_together(ask):
    charts = ask("curves", runs=["run-0", "run-1", "run-0"])["charts"]
    assert len(charts) == 2
    assert "run-0" in charts[0]
    assert "run-1" in charts[0]
    assert ask("curves", runs=[])["charts"] == []


def test_runs_are_compared(ask, refuse):
    page = ask("compare", runs=["run-0", "run-1"])["page"]
    accuracy = lenet.compare_runs("runs/run-0", "runs/run-1").figures[1]["test_accuracy"]
    assert f"{100 * accuracy:.2f} %" in page
    assert "two or more" in refuse("compare", runs=["run-0"])


def test_a_runs_page_may_do_nothing(send):
    answer = send("GET", "/report", params={"run": "run-0"})
    assert answer.status_code == 200
    assert "run-0" in answer.text
    policy = answer.headers["content-security-policy"]
    assert "sandbox" in policy
    assert "script-src" not in policy
    assert "default-src 'none'" in policy


def test_a_model_is_looked_into(ask):
    facts = ask("look", run="run-0")
    model = lenet.Model.load("runs/run-0/last.safetensors")
    assert facts["network"] == str(model.network)
    assert facts["classes"] == list(model.classes)
    assert facts["images"]["labels"][:3] == [0, 1, 2]
    assert sum(size for _, size in facts["tensors"]) == model.plan.parameters


@pytest.mark.parametrize("name", ["", "..", "../run-0", "/etc", "runs/run-0", "run-0/", "run-9"])
def test_a_name_is_never_a_path(refuse, send, name):
    assert "there is no run" in refuse("look", run=name)
    assert "there is no run" in refuse("curves", runs=[name])
    assert "there is no run" in refuse("resume", run=name)
    page = send("GET", "/report", params={"run": name})
    assert (page.status_code, page.text[:3]) == (400, "<p>")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "net is None"),
        ({"net": 5}, "net is 5"),
        ({"net": "nonsense"}, "no input"),
        ({"net": NET, "data": "/etc"}, "the data set is '/etc'"),
        ({"net": NET, "recipe": "mine.toml"}, "the recipe is 'mine.toml'"),
        ({"net": NET, "values": []}, "values is []"),
        ({"net": NET, "values": {"network": "lenet"}}, "cannot be chosen here"),
        ({"net": NET, "values": {"lr": None}}, "lr is None"),
        ({"net": NET, "values": {"lr": "x"}}, "lr is 'x'"),
        ({"net": NET, "values": {"epochs": 10**9}}, "epochs is 1000000000"),
        ({"net": NET, "seed": -1}, "seed is -1"),
        ({"net": NET, "seeds": 11}, "from 1 to 10"),
        ({"net": NET, "seeds": True}, "seeds is True"),
        ({"net": "1x8x8 | conv 9999999 k3 | dense 10"}, "memory"),
        ({"net": "1x999x999 | conv 100 k600 s50 | dense 10"}, "multiply-adds"),
    ],
)
def test_what_cannot_be_trained_is_refused(refuse, trainings, values, words):
    assert words in refuse("train", **values)
    assert trainings.news(0)["trainings"] == []


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b"{", b"[" * 60_000, b'{"a":' * 9_000, b"\xff", b"1" * 5000]
)
def test_a_body_is_one_json_object(send, body):
    answer = send("POST", "/api/runs", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert answer.json() == {"error": "the request is no JSON object."}


def test_a_long_text_is_refused(refuse):
    assert "20,000 are allowed" in refuse("build", net="1x8x8" + "|dense 1" * 3000)


def test_news_are_what_changed(ask, ended):
    (number,) = ask("train", net=NET, values={"epochs": 1})["numbers"]
    job = ended(number)
    assert job["status"] == "finished"
    news = ask("news", after=0)
    assert [one["number"] for one in news["trainings"]] == [number]
    assert ask("news", after=news["moment"])["trainings"] == []
    assert json.dumps(news)
