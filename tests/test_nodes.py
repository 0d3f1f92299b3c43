"""Two nodes are one portal: what one was told, the other knows at its next request; one killed loses nothing."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from portal import join, operators
from portal.checkpoints import Checkpoints
from portal.db import Store
from portal.family import Family
from portal.settings import CPR_SYSTEM
from tests.acts import grant, state, withdraw
from tests.conftest import BASE, Browser
from tests.nodes import Nodes, on, two_nodes
from tests.proving import times
from tests.serving_stage import Served, until

WRITES = 8
"""Comments each writer is told were kept before a node is killed, and again after."""


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    with two_nodes(tmp_path_factory.mktemp("noder")) as found:
        yield found


def test_a_session_begins_on_one_and_ends_on_the_other(nodes: Nodes) -> None:
    mette = nodes.login("mette")
    for node in (0, 1):
        assert on(mette, node).get("/overblik?vent=1").status_code == 200
    copy = dict(mette.client.cookies)  # type: ignore[attr-defined]
    assert on(mette, 1).post("/log-ud").status_code in (302, 303)
    mette.client.cookies = copy  # type: ignore[misc]
    assert on(mette, 0).get("/overblik").status_code == 302


def test_the_providers_logout_reaches_one_and_ends_it_on_both(nodes: Nodes) -> None:
    sofie = nodes.login("sofie")
    assert on(sofie, 0).get("/konto").status_code == 200
    for sid in [s.sid for _, s in nodes.provider.sessions._shelf.values()]:
        nodes.provider.log_out(sid)
    assert on(sofie, 0).get("/konto").status_code == 302


def test_consents_and_withdrawals_hold_on_both_at_once(nodes: Nodes) -> None:
    mette, jonas = nodes.login("mette"), on(nodes.login("jonas"), 1)
    emil = mette.citizens()["Emil"]
    grant(mette, emil, "ppr")
    assert state(jonas, emil, "ppr") == "none", "her yes is not his"
    grant(jonas, emil, "ppr")
    assert state(mette, emil, "ppr") == "active"
    poul = nodes.login("poul", "/log-ind/medarbejder")
    for node in (0, 1):
        assert emil in on(poul, node).get("/medarbejder").get_data(as_text=True)
    for node in (0, 1):
        assert withdraw(on(jonas, node), emil, "ppr").status_code == 303
        for other in (0, 1):
            assert emil not in on(poul, other).get("/medarbejder").get_data(as_text=True)
        if node == 0:
            grant(jonas, emil, "ppr")
            assert emil in on(poul, 1).get("/medarbejder").get_data(as_text=True)


def test_access_that_is_closed_is_closed_on_both(nodes: Nodes) -> None:
    """By a command on a third machine; neither node is told."""
    camilla = nodes.login("camilla")
    noah = camilla.citizens()["Noah"]
    hers = camilla.own()
    family = _opened(nodes)
    adult, child = (family.known(p).person.identifiers[CPR_SYSTEM] for p in (hers, noah))
    for node in (0, 1):
        assert on(camilla, node).get(f"/overblik/{noah}").status_code == 200
    operators.close_access(nodes.settings, adult, child)
    for node in (0, 1):
        assert on(camilla, node).get(f"/overblik/{noah}").status_code == 404
    operators.open_access(nodes.settings, adult, child)
    assert on(camilla, 1).get(f"/overblik/{noah}").status_code == 200


def test_links_and_drafts_are_the_same_on_both(nodes: Nodes) -> None:
    mette = nodes.login("mette")
    emil = mette.citizens()["Emil"]
    page = mette.post("/konto", {"handling": "ny-kalender", "borger": emil}).get_data(as_text=True)
    link = page.split(f"{BASE}/kalender/")[1].split(".ics")[0]
    assert on(mette, 1).get(f"/kalender/{link}.ics").status_code == 200
    form = on(mette, 0).get(f"/overblik/{emil}/kommentarer?vent=1").get_data(as_text=True)
    ticket = form.split('name="billet" value="')[1].split('"')[0]
    kept = {"tekst": "husk madpakken", "billet": ticket}
    assert mette.post(f"/overblik/{emil}/kommentarer/udkast", kept).status_code < 400
    found = on(mette, 1).get(f"/overblik/{emil}/kommentarer?vent=1").get_data(as_text=True)
    assert "husk madpakken" in found


def test_limits_count_on_both_together(nodes: Nodes) -> None:
    lone = nodes.login("lone", "/log-ind/medarbejder")
    form, codes = {"csrf_token": lone.token(), "cpr": "0101889001"}, []
    for n in range(26):
        answer = on(lone, n % 2).client.post("/medarbejder", data=form)
        codes.append(answer.status_code)
    assert codes == [404] * 20 + [429] * 6


@pytest.mark.proof
def test_one_killed_under_load_loses_nothing_that_was_acknowledged(
    nodes: Nodes, record_property: pytest.FixtureRequest
) -> None:
    """Families write on both; the proxy sends who met a dead node to the other."""
    writers = [_Writer(nodes.login(p), n % 2) for n, p in enumerate(WHO)]
    killed = times(1, 10)
    for round in range(killed):
        if round:
            time.sleep(60)  # comments are counted a minute
        victim = round % 2
        _killed_under_load(nodes, writers, victim)
    written = sum(len(w.acknowledged) for w in writers)
    for writer in writers:
        page = on(writer.browser, 1).get(f"/overblik/{writer.citizen}/kommentarer?vent=1")
        text = page.get_data(as_text=True)
        assert [t for t in writer.acknowledged if t not in text] == []
        assert writer.errors <= killed, "more than the request in flight"
    store = Store(nodes.settings.database, nodes.settings.path("."), nodes.settings.municipality)
    found = Checkpoints(nodes.settings, store)
    assert found.check(found.sealed()).faults == []
    errors = sum(w.errors for w in writers)
    said = f"{killed} nodes killed, {written} acknowledged writes, 0 lost, {errors} requests failed"
    record_property("figure", said)  # type: ignore[operator]


WHO = ("mette", "jonas", "camilla")


class _Writer:
    """Somebody who writes one comment after the other, each different."""

    def __init__(self, browser: Browser, node: int) -> None:
        self.browser, self.node = browser, node
        self.citizen = browser.own()
        self.token = browser.token()
        self.acknowledged: list[str] = []
        self.errors = 0

    def write(self, count: int) -> None:
        """Until so many more are acknowledged; a node that does not answer is left for the other."""
        wanted = len(self.acknowledged) + count
        while len(self.acknowledged) < wanted:
            text = f"note {self.citizen[:6]} {len(self.acknowledged)} {self.errors}"
            form = {"csrf_token": self.token, "tekst": text, "modtager": []}
            try:
                path = f"/overblik/{self.citizen}/kommentarer"
                answer = on(self.browser, self.node).client.post(path, data=form)
            except OSError:
                self.errors += 1
                self.node = 1 - self.node
                continue
            assert answer.status_code == 303, answer.get_data(as_text=True)
            self.acknowledged.append(text)


def _killed_under_load(nodes: Nodes, writers: list[_Writer], victim: int) -> None:
    for n, writer in enumerate(writers):
        writer.node = n % 2
    threads = [threading.Thread(target=w.write, args=(WRITES,)) for w in writers]
    before = sum(len(w.acknowledged) for w in writers)
    for thread in threads:
        thread.start()
    until(lambda: sum(len(w.acknowledged) for w in writers) >= before + len(writers))
    served = nodes.served[victim]
    for process in (*served.workers(), served.process.pid):
        _kill(process)
    served.process.wait()
    for thread in threads:
        thread.join()
    served.start()
    until(lambda: _ready(served))


def _kill(process: int) -> None:

    os.kill(process, signal.SIGKILL)


def _ready(served: Served) -> bool:
    try:
        return served.get("/readyz").status == 200
    except OSError:
        return False


def _opened(nodes: Nodes) -> Family:

    return join(nodes.settings).family
