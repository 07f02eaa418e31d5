"""One press of Back leads back one step: what the script adds to the address makes no entry of its own."""

from __future__ import annotations

import pytest

from tests.browser.conftest import Run

pytestmark = pytest.mark.browser

FAKE = """(() => {
  const kept = [], heard = {};
  const target = {
    location: { href: "http://x/segment" },
    history: {
      pushState: (_, __, url) => { kept.push(url); go(url); },
      replaceState: (_, __, url) => { kept.splice(-1, 1, url); go(url); },
    },
    addEventListener: (type, action) => { (heard[type] ??= []).push(action); },
  };
  const go = (url) => { target.location.href = new URL(url, target.location.href).href; };
  kept.push("/segment");
  m.oneEntryPerGesture(target);
  m.oneEntryPerGesture(target);
  const does = (type) => heard[type].forEach((action) => action());
  const push = (url) => target.history.pushState(null, "", url);
  %s
  return kept;
})()"""


@pytest.mark.parametrize(
    ("steps", "kept"),
    [
        pytest.param(
            'does("pointerdown"); push("/segment?image=1"); push("/segment?image=1&model=m");',
            ["/segment", "/segment?image=1&model=m"],
            id="completed by the script",
        ),
        pytest.param(
            'does("pointerdown"); push("/a"); does("keydown"); push("/b");', ["/segment", "/a", "/b"], id="two steps"
        ),
        pytest.param('push("/segment?project=p");', ["/segment?project=p"], id="first page completed"),
        pytest.param(
            'does("pointerdown"); push("/segment"); push("/a");', ["/segment", "/a"], id="the same address is no step"
        ),
        pytest.param(
            'does("pointerdown"); push("/a"); does("pointerdown"); does("popstate"); push("/a?more=1");',
            ["/segment", "/a?more=1"],
            id="completed after going back",
        ),
    ],
)
def test_an_entry_for_each_thing_that_a_person_did(run: Run, steps: str, kept: list[str]) -> None:
    found = run("frame/static/history.js", FAKE % steps)
    assert (list(found.values()) if isinstance(found, dict) else found) == kept
