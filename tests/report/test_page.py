"""The page in a browser."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from harness.report.build import build_report
from harness.results.store import Description
from harness.runs.run import load
from tests.fixtures.small_runs import small_session, write_run, write_tasks

from .synthetic_run import layers_description, layers_records, record

pytest.importorskip("selenium")
CHROMIUM, DRIVER = "/usr/bin/chromium", "/usr/bin/chromedriver"
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        not (shutil.which(CHROMIUM) and shutil.which(DRIVER)),
        reason="needs /usr/bin/chromium and /usr/bin/chromedriver",
    ),
]
OPTIONS = (
    "--headless=new --no-sandbox --disable-gpu --disable-background-networking "
    "--disable-component-update --disable-sync --no-first-run"
)
UNRECORDED = {"unrecorded": {"names": ["a.weight"], "share": 0.9}}
REFUTED = {"reload": "9 answers differ"}
#: The file axe.min.js of the npm package axe-core.
AXE = Path(os.environ.get("HARNESS_AXE", "axe.min.js"))


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    for option in (*OPTIONS.split(), f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(option)
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture
def show(browser):
    """Shows a report's page at a width, and fails on whatever its console holds in the end."""

    def visit(folder, width=1280, dark=False):
        size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        theme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [theme]})
        browser.get((folder / "report.html").as_uri())
        return browser

    yield visit
    assert browser.get_log("browser") == []


@pytest.fixture(scope="module")
def named_report(tmp_path_factory):
    names = ["the class with a long name", *(f"kind {n}" for n in range(1, 10))]
    path = tmp_path_factory.mktemp("named") / "run"
    write_run(path, session=small_session(data={"class_names": names}), timing=False)
    load(path).report(figures=False)
    return path


@pytest.fixture(scope="module")
def layers_report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("layers")
    build_report(folder, layers_description(), layers_records(), figures=False)
    return folder


@pytest.fixture(scope="module")
def tasks_report(tmp_path_factory):
    run = load(write_tasks(tmp_path_factory.mktemp("tasks") / "run").path)
    run.report(figures=False)
    return run.path


def every(page, selector):
    return page.find_elements("css selector", selector)


def one(page, selector):
    return page.find_element("css selector", selector)


def names(page):
    return [name.text for name in every(page, "#results-table tbody th") if name.is_displayed()]


def across(page, metric):
    page.execute_script(
        "const box = document.querySelector('figure.wide select');"
        f"box.value = '{metric}'; box.dispatchEvent(new Event('change'))"
    )


def test_sorts_the_best_first_then_turns_and_keeps_absent_last(report, show):
    page = show(report)
    header = one(page, '[data-column="latency_ms"]')
    accuracy = one(page, '[data-column="test_accuracy"]')
    assert accuracy.get_attribute("aria-sort") == "descending"
    button = one(header, "button")

    button.click()
    fastest = names(page)
    assert header.get_attribute("aria-sort") == "ascending"
    assert accuracy.get_attribute("aria-sort") is None
    # 0.109, 0.918, 6.07, 13.0 ms: by number, not by letter.
    order = ["ann-relu", "native-dfa", "snntorch-conversion", "spikingjelly-stdp"]
    assert fastest[:4] == order

    button.send_keys("\ue007")  # the keyboard's Enter
    assert header.get_attribute("aria-sort") == "descending"
    assert names(page) == [*order[::-1], *fastest[4:]]


def test_columns_rows_and_the_figures_rows_are_chosen(report, show):
    page = show(report)
    shown = [header for header in every(page, "#results-table thead th") if header.is_displayed()]
    assert len(shown) == 8
    one(page, ".picker summary").click()
    one(page, ".picker .choices fieldset:last-of-type input").click()
    assert one(page, ".picker summary").text == "Columns: 8 of 22"
    one(page, "h1").click()
    assert not one(page, ".picker").get_property("open")

    page.execute_script(
        "const box = document.querySelector('.tools select');"
        "box.value = 'snntorch'; box.dispatchEvent(new Event('change'))"
    )
    assert names(page) == ["snntorch-conversion"]
    marks = every(page, "figure.wide .mark")
    assert {mark.get_attribute("data-row") for mark in marks} == {"1"}

    one(page, ".chip[aria-pressed=true]:not([hidden])").click()
    assert not every(page, "figure.wide .mark")


def test_a_row_opens_into_its_card_and_closes(report, show):
    page = show(report)
    name = one(page, "#results-table tbody th a")
    name.send_keys("\ue007")
    card = one(page, "#results-table .opened .row-card")
    assert name.get_attribute("aria-expanded") == "true"
    assert "harness run --plugins ann-relu" in card.text
    assert "The command that repeats it" in card.text
    name.send_keys(" ")
    assert name.get_attribute("aria-expanded") == "false"
    assert len(every(page, ".row-cards .row-card")) == 6


def test_a_mark_tells_its_numbers_by_keyboard_and_its_row_lights_up(report, show):
    page = show(report)
    first = one(page, 'figure.wide .mark[tabindex="0"]')
    page.execute_script("arguments[0].focus()", first)
    told = first.get_attribute("aria-label")
    assert "Test accuracy" in told
    assert "n = 3 seeds" in told
    assert one(page, ".tip").text.replace("\n", ", ") == told
    lit = {node.get_attribute("data-row") for node in every(page, ".lit")}
    assert lit == {first.get_attribute("data-row")}
    assert every(page, "tr.lit")
    first.send_keys("\ue014")  # arrow right
    assert page.switch_to.active_element.get_attribute("aria-label") != told


def test_the_axes_are_chosen(report, show):
    page = show(report)
    across(page, "latency_ms")
    words = one(page, "figure.wide svg").text
    assert "Latency, ms · less is better, log" in words
    assert every(page, "figure.wide .front")
    assert one(page, "figure.wide .mark").get_attribute("aria-label").endswith(" calls")
    across(page, "decision_step")
    assert one(page, "figure.wide .mark").get_attribute("aria-label").endswith("n = 3 seeds")


def test_what_is_refuted_or_not_all_counted_is_on_no_front_and_comes_last(tmp_path, show):
    records = [
        record("a", metrics={"test_accuracy": 0.9, "synops_effective": 10.0}, facts=UNRECORDED),
        record("b", metrics={"test_accuracy": 0.8, "synops_effective": 20.0}),
        record("c", metrics={"test_accuracy": 0.85, "synops_effective": 30.0}),
        record("d", metrics={"test_accuracy": 0.95, "synops_effective": 5.0}, facts=REFUTED),
    ]
    build_report(tmp_path, Description(kind="networks"), records, figures=False)
    page = show(tmp_path)

    def front():
        return {label.text for label in every(page, "figure.wide .label.first")}

    def lines(title):
        return every(page, f'[aria-label="{title}"] .label')

    assert front() == {"b", "c"}
    across(page, "test_accuracy")
    assert front() == {"a"}
    assert [line.text for line in lines("One number, row by row")][-1] == "d (refuted)"
    button = one(page, '[data-column="synops_effective"] button')
    for order in ("ascending", "descending"):
        button.click()
        assert one(page, '[data-column="synops_effective"]').get_attribute("aria-sort") == order
        assert names(page)[-1].startswith("d (refuted)")


def test_the_numbers_are_downloaded_from_the_page(report, show, tmp_path):
    page = show(report)
    page.execute_cdp_cmd(
        "Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)}
    )
    text = page.execute_script(
        "window.kept = []; const make = URL.createObjectURL;"
        "URL.createObjectURL = (blob) => { window.kept.push(blob.text()); return make(blob); };"
        "for (const button of document.querySelectorAll('.downloads button')) button.click();"
        "return Promise.all(window.kept)"
    )
    table, block = text
    assert table.splitlines()[0].startswith("name,framework,task,preset,device,test_accuracy,")
    assert len(table.splitlines()) == 7
    assert '"rows"' in block


@pytest.mark.parametrize("width", [1280, 400])
def test_shows_every_figure_and_does_not_overflow(
    report, hostile_report, layers_report, show, width
):
    for folder, figures in ((report, 5), (hostile_report, 5), (layers_report, 2)):
        page = show(folder, width)
        drawings = every(page, ".explore figure svg[role=group]")
        assert len(drawings) == figures
        assert all(drawing.size["width"] <= width for drawing in drawings)
        assert one(page, "html").get_property("scrollWidth") <= width
        # The table's own container is what scrolls.
        for button in every(page, ".both button:first-child"):
            page.execute_script("arguments[0].click()", button)
        scroll = one(page, ".scroll")
        if width == 400:
            assert scroll.get_property("scrollWidth") > scroll.get_property("clientWidth")
            assert "more" in scroll.get_attribute("class")


@pytest.mark.parametrize("width", [1280, 400])
def test_no_text_of_a_figure_is_cut(tmp_path, show, width):
    """Names longer than their place, and counts of four and five digits in the cells of a matrix."""
    long = "a-plugin-with-a-wide-name-and-more-than-its-place-in-a-figure-holds"
    for samples in (5_000, 40_000):
        write_run(tmp_path / str(samples), rows=("deep", long), samples=samples, timing=False)
        load(tmp_path / str(samples)).report(figures=False)
        page = show(tmp_path / str(samples), width)
        cut = page.execute_script(
            "const inside = (text, box) => text.left > box.left - 1 && text.right < box.right + 1;"
            "return [...document.querySelectorAll('.explore svg text')].filter((text) => !inside("
            "text.getBoundingClientRect(), (text.matches('.count') ? text.previousSibling : text"
            ".closest('svg')).getBoundingClientRect())).map((text) => text.textContent)"
        )
        assert cut == []
        assert width == 400 or all(each.text for each in every(page, ".explore .count"))
        assert every(page, ".explore .count")


def test_without_script_tables_cards_and_figures_are_there(report, browser, show):
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        page = show(report)
        images = every(page, "noscript figure img")
        assert len(images) == len(list((report / "figures").glob("*.svg"))) == 8
        assert all(image.size["width"] > 100 and image.get_attribute("alt") for image in images)
        assert len(every(page, "#results-table thead th")) == 23
        assert every(page, ".row-card summary")[0].is_displayed()
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_on_paper_nothing_stays_behind_a_fold(report, show):
    page = show(report)
    page.execute_script("window.dispatchEvent(new Event('beforeprint'))")
    assert not every(page, "details:not([open]):not(.picker)")
    page.execute_script("window.dispatchEvent(new Event('afterprint'))")
    assert every(page, "details:not([open]):not(.picker)")


def test_on_paper_the_figures_have_their_legend(report, browser, show):
    page = show(report)
    one(page, ".chip").click()
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    shown = [each.text for each in every(page, ".legend > *") if each.is_displayed()]
    assert shown == [*names(page), f"{len(names(page)) - 1} of {len(names(page))} rows are drawn."]


def test_on_paper_each_value_stands_beside_its_name(report, browser, show):
    """Names are narrow there, and some take two lines."""
    page = show(report, width=600)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    page.execute_script("window.dispatchEvent(new Event('beforeprint'))")
    heights, apart = page.execute_script(
        "const top = (each) => each.getBoundingClientRect().top;"
        "const names = [...document.querySelectorAll('.row-card dt')];"
        "return [names.map((dt) => dt.getBoundingClientRect().height), names"
        ".filter((dt) => Math.abs(top(dt) - top(dt.nextElementSibling)) > 2).map((dt) => dt.innerText)]"
    )
    assert sum(height > 1.5 * min(heights) for height in heights) > 10
    assert apart == []


def test_hostile_name_is_text_and_runs_nothing(hostile_report, show):
    from selenium.common.exceptions import NoAlertPresentException

    page = show(hostile_report)
    assert any("<script>alert(1)</script>" in name for name in names(page))
    for button in every(page, "button, .row-card summary"):
        page.execute_script("arguments[0].click()", button)
    with pytest.raises(NoAlertPresentException):
        _ = page.switch_to.alert


@pytest.mark.skipif(not AXE.is_file(), reason="HARNESS_AXE names no axe.min.js (npm pack axe-core)")
@pytest.mark.parametrize("dark", [False, True])
def test_axe_finds_nothing(report, layers_report, show, dark):
    for folder in (report, layers_report):
        page = show(folder, 400 if dark else 1280, dark)
        page.execute_cdp_cmd("Page.setBypassCSP", {"enabled": True})
        page.refresh()
        page.execute_script(
            "for (const each of document.querySelectorAll('details')) each.open = true"
        )
        page.execute_script(AXE.read_text("utf-8"))
        page.set_script_timeout(120)
        found = page.execute_async_script("axe.run(document).then(arguments[0])")
        page.execute_cdp_cmd("Page.setBypassCSP", {"enabled": False})
        assert [each["id"] for each in found["violations"]] == []


def test_classes_are_called_by_their_names(named_report, show):
    page = show(named_report, 400)
    texts = [each.text for each in every(page, ".explore text.tick")]
    # Down, and across.
    assert texts.count("kind 3") == texts.count("the class wit…") == 2
    told = [each.get_attribute("aria-label") or each.text for each in every(page, ".explore .mark")]
    assert any("true the class with a long name" in each for each in told)
    (head,) = every(page, "table:has(th[title^='class 3']) thead")
    assert "kind 3" in head.get_property("textContent")
    assert one(page, "html").get_property("scrollWidth") <= 400


def test_the_figures_and_tables_of_each_task_are_its_own(tasks_report, show):
    page = show(tasks_report)
    for task in ("one", "two"):
        assert len(every(page, f"#task-{task} .explore figure svg[role=group]")) == 4
    line = one(page, "#results-table-two tbody tr")
    page.execute_script(
        "arguments[0].dispatchEvent(new PointerEvent('pointerover', {bubbles: true}))", line
    )
    lit = every(page, ".lit")
    assert lit
    assert all(each.find_elements("xpath", "ancestor::section[@id='task-two']") for each in lit)
    page.execute_script("document.querySelector('#results-table-one tbody th a').click()")
    assert one(page, "#results-table-one .opened .row-card")
    assert not every(page, "#results-table-two .opened")
    page.get(f"{(tasks_report / 'report.html').as_uri()}#row-1-two")
    assert one(page, "#row-1-two").get_property("open")
    assert one(page, "html").get_property("scrollWidth") <= 1280
