"""The addresses, and what answers each: thin, since the library has every answer.

What takes time is done in threads beside the loop, a few at a time. A name in a request is looked
up among what is known; no path is ever made of one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from html import escape
from typing import Any, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from lenet.data import NAMES
from lenet.data.sources import at_hand
from lenet.drawing import STYLES
from lenet.errors import LenetError, UsageError
from lenet.net import zoo
from lenet.net.words import check_choice
from lenet.optimizers import OPTIMIZERS
from lenet.reporting.comparison_page import comparison_charts
from lenet.reporting.pictures import drawing_of, learning_charts, signal_charts
from lenet.reporting.predictions import RunsSideBySide
from lenet.reporting.results import compare_runs
from lenet.run_folder import read_run
from lenet.serving import questions
from lenet.serving.building import advised, build, deduced, first_line, read_typed
from lenet.serving.files import read_files
from lenet.serving.guard import REPORT_POLICY, Door, Guard, RefusedError, fault_text
from lenet.serving.looking import facts_of
from lenet.serving.markup import picture, piece
from lenet.serving.runs import Runs
from lenet.serving.trainings import Trainings, Wish, titled
from lenet.training import named_recipe
from lenet.training.recipe import SCHEDULES, names
from lenet.version import VERSION
from lenet.writing import plain

#: Answers that are worked out at a time; the others wait.
_AT_A_TIME: Final = 4
#: Seconds in which a body must have come.
_PATIENCE: Final = 10.0
#: What can be chosen of a recipe.
CHOICES: Final = ("epochs", "batch_size", "lr", "optimizer", "schedule", "weight_decay", "dropout")
#: Ways to draw any network.
_STYLES: Final = tuple(style for style in STYLES if style != "table")
_MOST_SEEDS: Final = 10
#: Pixels across which a figure may be.
_WIDTHS: Final = 200, 4000
#: Runs whose curves stand in one chart, or that are compared.
_MOST_TOGETHER: Final = 10

Values = Mapping[str, Any]
Work = Callable[[Values], dict[str, Any]]


class Service:
    """What the addresses answer."""

    def __init__(self, runs: Runs, trainings: Trainings) -> None:
        self._runs, self._trainings = runs, trainings

    def start(self, _: Values) -> dict[str, Any]:
        """Return all that can be chosen."""
        here = at_hand()
        return {
            "version": VERSION,
            "zoo": [{"name": name, "network": str(zoo.get(name))} for name in zoo.names()],
            "data": [{"name": name, "is_here": name in here} for name in NAMES],
            "recipes": {data: _recipes(data) for data in NAMES},
            "optimizers": list(OPTIMIZERS),
            "schedules": list(SCHEDULES),
            "styles": list(_STYLES),
            "most_seeds": _MOST_SEEDS,
            "most_together": _MOST_TOGETHER,
        }

    def build(self, asked: Values) -> dict[str, Any]:
        """Return what follows from a network."""
        style = questions.text(asked, "style", "figure")
        check_choice(style, _STYLES, "the style")
        width = questions.whole(asked, "width", 1000, *_WIDTHS)
        start = questions.text(asked, "start", "")
        return build(questions.text(asked, "net"), start, style, width)

    def advise(self, asked: Values) -> dict[str, Any]:
        """Propose widths for a network within a budget."""
        return advised(questions.text(asked, "net"), questions.text(asked, "budget"))

    def deduce(self, asked: Values) -> dict[str, Any]:
        """Find the network behind a figure."""
        figure = questions.text(asked, "figure")
        others = ("given", "params", "activation")
        return deduced(figure, **{n: t for n in others if (t := questions.text(asked, n, ""))})

    def train(self, asked: Values) -> dict[str, Any]:
        """Begin one training for each seed."""
        network = read_typed(questions.text(asked, "net"))
        data = questions.text(asked, "data", "digits")
        check_choice(data, NAMES, "the data set")
        name = questions.text(asked, "recipe", "modern")
        check_choice(name, names(), "the recipe")
        values = questions.settings(asked, "values", CHOICES)
        recipe = named_recipe(name, data=data, **values)
        first = questions.whole(asked, "seed", 0, 0, 2**31)
        count = questions.whole(asked, "seeds", 1, 1, _MOST_SEEDS)
        title = titled(network, data, name)
        wishes = [Wish(network, data, recipe, seed, title) for seed in range(first, first + count)]
        return {"numbers": self._trainings.start(wishes)}

    def stop(self, asked: Values) -> dict[str, Any]:
        """Stop a training."""
        self._trainings.stop(questions.whole(asked, "number", 0, 1, 2**31))
        return {}

    def resume(self, asked: Values) -> dict[str, Any]:
        """Go on with a run."""
        (folder,) = self._runs.find(questions.text(asked, "run"))
        return {"numbers": self._trainings.resume(folder)}

    def news(self, asked: Values) -> dict[str, Any]:
        """Return what changed of the trainings since a moment."""
        return self._trainings.news(questions.whole(asked, "after", 0, 0, 2**53))

    def runs(self, _: Values) -> dict[str, Any]:
        """List the runs there are."""
        entries, folders = self._runs.entries(), self._runs.folders()
        for entry in entries:
            folder = folders.get(entry["name"])
            entry["is_going"] = folder is not None and self._trainings.is_going(folder)
        return {"runs": entries, "folder": str(self._runs.root)}

    def curves(self, asked: Values) -> dict[str, Any]:
        """Draw the curves of runs, those being trained too; of one alone its signals as well."""
        folders = self._runs.find(*_names(asked))
        records = [self._trainings.live(folder) or read_run(folder) for folder in folders]
        records = [record for record in records if record.epochs]
        if not records:
            return {"charts": []}
        if len(records) == 1:
            charts = [*learning_charts(records[0]), *signal_charts(records[0].signals)]
        else:
            charts = comparison_charts(RunsSideBySide(records))
        return {"charts": [picture(drawing_of([chart], chart.title)) for chart in charts]}

    def compare(self, asked: Values) -> dict[str, Any]:
        """Compare runs, in words and numbers."""
        chosen = _names(asked)
        if len(chosen) < 2:
            raise UsageError("choose two or more runs to compare.")
        found = compare_runs(*self._runs.find(*chosen))
        return {"page": piece(found.page("html"))}

    def page(self, name: str) -> bytes:
        """Return the page of the run called ``name``."""
        return self._runs.page(name)

    def look(self, asked: Values) -> dict[str, Any]:
        """Return all that the page needs to compute with the model of a run."""
        (folder,) = self._runs.find(questions.text(asked, "run"))
        return facts_of(read_run(folder), self._trainings.load)


def _recipes(data: str) -> list[dict[str, Any]]:
    recipes = []
    for name in names():
        try:
            recipe = named_recipe(name, data=data)
        except UsageError:  # it is for other data alone
            continue
        values = {choice: getattr(recipe, choice) for choice in CHOICES}
        recipes.append({"name": name, "network": recipe.network, "values": values})
    return recipes


def _names(asked: Values) -> list[str]:
    chosen = asked.get("runs")
    if not isinstance(chosen, list) or not all(isinstance(name, str) for name in chosen):
        raise UsageError("runs must be a list of names.")
    if len(chosen) > _MOST_TOGETHER:
        raise UsageError(f"{len(chosen)} runs are chosen; at most {_MOST_TOGETHER} are allowed.")
    return list(dict.fromkeys(chosen))


def make_app(service: Service, door: Door) -> Guard:
    """Return the whole application, behind its guard."""
    files, slots = read_files(), asyncio.Semaphore(_AT_A_TIME)

    async def show_file(request: Request) -> Response:
        found = files.get(request.scope["path"])
        if found is None:
            raise HTTPException(404)
        content, kind = found
        return Response(content, media_type=kind)

    async def show_page(request: Request) -> Response:
        name, status = request.query_params.get("run", ""), 200
        try:
            content = await asyncio.to_thread(service.page, name)
        except LenetError as error:  # for a person to read: it stands where the page would
            content, status = f"<p>{escape(str(error))}</p>".encode(), 400
        policy = {"content-security-policy": REPORT_POLICY}
        return Response(content, status, policy, "text/html; charset=utf-8")

    def asking(work: Work, is_quick: bool) -> Any:
        async def answer(request: Request) -> Response:
            try:
                body = await asyncio.wait_for(request.body(), _PATIENCE)
            except TimeoutError:
                raise RefusedError(408, "the request did not come to its end in time.") from None
            asked = questions.read(body)
            async with nullcontext() if is_quick else slots:
                return JSONResponse(plain(await asyncio.to_thread(work, asked)))

        return answer

    slow: list[Any] = [
        service.start,
        service.build,
        service.advise,
        service.deduce,
        service.train,
        service.resume,
    ]
    slow += [service.runs, service.curves, service.compare, service.look]
    quick: list[Any] = [service.news, service.stop]  # for whom nobody is to wait
    app = Starlette(
        routes=[
            *(
                Route(f"/api/{work.__name__}", asking(work, work in quick), methods=["POST"])
                for work in (*slow, *quick)
            ),
            Route("/report", show_page),
            Route("/", show_file),
            Route("/web/{path:path}", show_file),
        ],
        exception_handlers=dict.fromkeys((LenetError, HTTPException, Exception), _refuse),
    )
    app.router.redirect_slashes = False  # an address is right or it is not
    return Guard(app, door)


async def _refuse(_: Request, error: Exception) -> Response:
    """Answer what went wrong in a sentence; a fault of ours is told by the guard, too."""
    status, words = 500, fault_text(error)
    if isinstance(error, HTTPException):
        status = error.status_code
        words = "there is nothing at this address, asked that way."
    elif isinstance(error, RefusedError | LenetError):
        status = error.status if isinstance(error, RefusedError) else 400
        words = first_line(error)
    return JSONResponse({"error": words}, status)
