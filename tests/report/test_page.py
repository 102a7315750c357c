"""The page in a browser."""

from __future__ import annotations

import shutil

import pytest

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

    def visit(folder, width=1280):
        size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        browser.get((folder / "report.html").as_uri())
        return browser

    yield visit
    assert browser.get_log("browser") == []


def cells(page, column):
    return [row.find_elements("css selector", "th, td")[column].text for row in rows(page)]


def rows(page):
    return page.find_elements("css selector", ".sortable tbody tr")


def test_sorts_both_ways_and_keeps_absent_last(report, show):
    page = show(report)
    headers = page.find_elements("css selector", ".sortable thead th")
    assert headers[1].get_attribute("aria-sort") == "descending"
    titles = [header.text for header in headers]
    column = titles.index("Latency")
    button = headers[column].find_element("css selector", "button")

    button.click()
    upwards = cells(page, 0)
    assert headers[column].get_attribute("aria-sort") == "ascending"
    assert headers[1].get_attribute("aria-sort") is None
    # 0.109, 0.918, 6.07, 13.0 ms: by number, not by letter.
    assert upwards[:4] == ["ann-relu", "native-dfa", "snntorch-conversion", "spikingjelly-stdp"]

    button.send_keys("\ue007")  # the keyboard's Enter
    assert headers[column].get_attribute("aria-sort") == "descending"
    assert cells(page, 0) == [*upwards[3::-1], *upwards[4:]]

    headers[0].find_element("css selector", "button").click()
    assert cells(page, 0) == sorted(upwards)


@pytest.mark.parametrize("width", [1280, 400])
def test_shows_every_figure_and_does_not_overflow(report, hostile_report, show, width):
    for folder in (report, hostile_report):
        page = show(folder, width)
        images = page.find_elements("css selector", "figure img")
        assert len(images) == len(list((folder / "figures").glob("*.svg"))) == 8
        assert all(image.get_property("naturalWidth") > 0 for image in images)
        assert all(image.get_attribute("alt") for image in images)
        root = page.find_element("css selector", "html")
        assert root.get_property("scrollWidth") <= width
        # The table's own container is what scrolls.
        scroll = page.find_element("css selector", ".scroll")
        assert scroll.get_property("scrollWidth") > scroll.get_property("clientWidth")


def test_hostile_name_is_text_and_runs_nothing(hostile_report, show):
    from selenium.common.exceptions import NoAlertPresentException

    page = show(hostile_report)
    assert any("<script>alert(1)</script>" in name for name in cells(page, 0))
    for button in page.find_elements("css selector", ".sortable thead button"):
        page.execute_script("arguments[0].click()", button)
    with pytest.raises(NoAlertPresentException):
        _ = page.switch_to.alert
