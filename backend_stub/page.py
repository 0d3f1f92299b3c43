"""A page to switch faults by hand; plain HTML forms, no scripts."""

from __future__ import annotations

from html import escape

from backend_stub.fault_tls import DOORS, NOWHERE
from backend_stub.faults import FAULTS
from backend_stub.systems import PLACE_OF, SYSTEMS

HEAD = """<!doctype html><html lang="da"><meta charset="utf-8">
<title>Demoens fagsystemer</title>
<meta name="viewport" content="width=device-width">
<style>body{font:16px/1.5 sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem}
td,th{text-align:left;padding:.25rem .75rem .25rem 0;border-bottom:1px solid #ccc}
.fejl{font-weight:bold}</style>
<h1>Demoens fagsystemer</h1>
<p>Vælg en fejl for et system, og se, hvad familien så møder i portalen.</p>
"""


def state_page(now: dict[str, str], doors: dict[str, str]) -> str:
    """All systems with their state, and a form for each; then what always fails."""
    rows = "".join(
        _row(s.id, s.name, PLACE_OF[s.place].name, now.get(s.id, ""))
        for s in SYSTEMS if s.connected)
    rows += _row("register", "Registeret", "Personer og forældremyndighed",
                 now.get("register", ""))
    rows += _row("organisation", "Organisationssystemet", "Enheders navne og telefonnumre",
                 now.get("organisation", ""))
    faults = "".join(f"<dt>{escape(f)}<dd>{escape(text)}" for f, text in FAULTS.items())
    return (HEAD + '<form method="post" action="/fault/heal"><button>Gør alle raske</button></form>'
            f"<table><tr><th>System<th>Sted<th>Lige nu<th>Skift{rows}</table>"
            f"<h2>Fejlene</h2><dl>{faults}</dl>{_always(doors)}</html>")


def _always(doors: dict[str, str]) -> str:
    """Addresses to point a source or `portal sources conform` at."""
    lines = [f"<dt>{escape(name)}<dd><code>{escape(url)}</code>: {escape(DOORS[name])}"
             for name, url in doors.items()]
    lines += [f"<dt>{escape(name)}<dd><code>{escape(url)}</code>"
              for name, url in NOWHERE.items()]
    return f"<h2>Adresser, der altid fejler</h2><dl>{''.join(lines)}</dl>"


def _row(system: str, name: str, place: str, fault: str) -> str:
    options = "".join(
        f"<option value='{f}'{' selected' if f == fault else ''}>{f or 'rask'}</option>"
        for f in ("", *FAULTS))
    state = f"<span class='fejl'>{escape(fault)}</span>" if fault else "rask"
    return (f"<tr><td>{escape(name)}<td>{escape(place)}<td>{state}"
            "<td><form method='post' action='/fault'>"
            f"<input type='hidden' name='system' value='{system}'>"
            f"<select name='fault' aria-label='Fejl for {escape(name)}'>{options}</select>"
            "<button>Skift</button></form>")
