"""The page's server without a network: requests go straight into the application."""

import asyncio
import shutil
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

import lenet
from lenet.serving.app import Service, make_app
from lenet.serving.guard import Door
from lenet.serving.runs import Runs
from lenet.serving.trainings import Trainings

HOST = "127.0.0.1:8028"
NET = "1x8x8 | conv 4 k3 relu, maxpool 2 | dense 10"


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """Two runs of a small network on the digits."""
    root = tmp_path_factory.mktemp("trained")
    for seed in (0, 1):
        lenet.train(NET, run=root / f"run-{seed}", seed=seed, epochs=2)
    return root


@pytest.fixture
def here(tmp_path, monkeypatch, trained):
    """A folder with runs in runs/, which the server runs in."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(trained, tmp_path / "runs")
    return tmp_path


@pytest.fixture
def trainings(here):
    made = Trainings(here / "runs", slots=2)
    yield made
    made.close()


@pytest.fixture
def service(here, trainings):
    return Service(Runs([]), trainings)


@pytest.fixture
def app(service):
    return make_app(service, Door("127.0.0.1", port=8028))


@pytest.fixture
def send_all(app):
    """Sends requests, (method, address, how) each, and returns the answers."""

    async def send(requests):
        transport = httpx.ASGITransport(app, raise_app_exceptions=True)
        async with httpx.AsyncClient(transport=transport, base_url=f"http://{HOST}") as client:
            return [await client.request(method, path, **how) for method, path, how in requests]

    def run(requests):  # in a thread: a browser that another test has open keeps this one's loop
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(lambda: asyncio.run(send(requests))).result()

    return run


@pytest.fixture
def send(send_all):
    """Sends one request and returns its answer."""
    return lambda method, path, **how: send_all([(method, path, how)])[0]


@pytest.fixture
def ask(send):
    """Asks a question that must be answered, and returns what the answer holds."""

    def one(name, **values):
        answer = send("POST", f"/api/{name}", json=values)
        assert answer.status_code == 200, answer.text
        return answer.json()

    return one


@pytest.fixture
def refuse(send):
    """Asks a question that must be refused, and returns the sentence."""

    def one(name, **values):
        answer = send("POST", f"/api/{name}", json=values)
        assert answer.status_code == 400, answer.text
        assert answer.json().keys() == {"error"}
        return answer.json()["error"]

    return one


@pytest.fixture
def ended(trainings):
    """Waits for a training's end, and returns what is told of it."""

    def wait(number, seconds=60):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            jobs = {job["number"]: job for job in trainings.news(0)["trainings"]}
            if jobs[number]["status"] in ("finished", "stopped", "diverged", "failed"):
                return jobs[number]
            time.sleep(0.01)
        raise AssertionError(jobs[number])

    return wait
