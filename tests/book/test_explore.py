"""The moving pictures, in a real browser: they compute what Keras computes, and work by mouse, touch and keyboard."""

import base64
import functools
import http.server
import json
import threading

import browser as installed
import numpy as np
import pytest
from site_reader import SITE

from ae_toolkit._keras import keras

PAGE = SITE / "book" / "explore.html"
DATA = SITE / "_static" / "explore" / "map-data.js"
KILOBYTES = 400  # of an explorable, with its weights

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PAGE.is_file(), reason="no built site: run `make book` first"),
    pytest.mark.skipif(installed.PROGRAM is None, reason=installed.NONE_FOUND),
]


@pytest.fixture(scope="module")
def browser():
    with installed.launched() as browser:
        yield browser


@pytest.fixture
def opened(browser):
    """Return a function that opens the map's page from its file; nothing may be said on the console meanwhile."""
    contexts, said, asked = [], [], []

    def opened(**options):
        context = browser.new_context(**{"viewport": {"width": 1300, "height": 900}, **options})
        contexts.append(context)
        page = context.new_page()
        # Not what the theme notes of itself, at the level "log".
        page.on("console", lambda message: said.extend([message.text] if message.type != "log" else []))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(PAGE.as_uri())
        return page

    yield opened
    for context in contexts:
        context.close()
    assert said == []
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:", "http://127.0.0.1"))] == []


def shown(page):
    """Scroll to the map and wait until it has drawn."""
    page.locator("#ae-map").scroll_into_view_if_needed()
    page.wait_for_selector("#ae-map.ae-map-ready p[aria-live]:not(:empty)", timeout=10_000)
    return page


def code_of(page):
    return page.evaluate("document.getElementById('ae-map').aeMap.code()")


@pytest.fixture(scope="module")
def record():
    return json.loads(DATA.read_text(encoding="utf-8").removeprefix("window.aeMapData = ").rstrip().removesuffix(";"))


def decoder(model):
    """Return a Keras model of the weights that the browser has got."""
    layers = model["layers"]
    network = keras.Sequential([keras.Input((2,))])
    for layer in layers:
        network.add(keras.layers.Dense(layer["outputs"], layer["activation"]))
        whole = np.frombuffer(base64.b64decode(layer["kernel"]), np.int8).reshape(layer["inputs"], layer["outputs"])
        bias = np.frombuffer(base64.b64decode(layer["bias"]), np.float32)
        network.layers[-1].set_weights([whole.astype(np.float32) * np.float32(layer["scale"]), bias])
    return network


def test_it_is_as_light_as_promised():
    assert sum(path.stat().st_size for path in (DATA, DATA.with_name("map.js"))) < 1000 * KILOBYTES


def test_the_browser_decodes_as_keras_does(opened, record):
    page = shown(opened())
    compute = """([index, codes]) => {
        const model = window.aeMapData.models[index], pixels = window.aeMapData.width * window.aeMapData.height;
        const layers = window.aeExplore.unpack(model.layers, pixels);
        return codes.map(code => Array.from(window.aeExplore.decode(layers, code)));
    }"""
    assert [model["name"] for model in record["models"]] == ["variational", "autoencoder", "PCA"]
    for index, model in enumerate(record["models"]):
        low, high = np.array(model["limits"]).T
        codes = np.random.default_rng(index).uniform(low, high, (100, 2)).astype("float32")
        found = np.array(page.evaluate(compute, [index, codes.tolist()]))
        assert found.std() > 0.05
        np.testing.assert_allclose(found, np.asarray(decoder(model)(codes)), atol=1e-3)


def test_the_training_images_lie_where_their_codes_are(record):
    for model in record["models"]:
        codes, (low, high) = np.array(model["codes"]), np.array(model["limits"]).T
        assert codes.shape == (len(record["classes"]), 2)
        assert ((low < codes) & (codes < high)).all(axis=1).mean() > 0.9
    pixels = np.frombuffer(base64.b64decode(record["pixels"]), np.uint8)
    assert pixels.size == len(record["classes"]) * record["thumbnail"] ** 2
    assert pixels.max() > 200


def test_arrow_keys_move_the_point_and_stop_at_the_edge(opened, record):
    page = shown(opened())
    (low, high), _ = record["models"][0]["limits"]
    page.locator("#ae-map canvas").first.focus()
    before, words = code_of(page), page.inner_text("#ae-map p[aria-live]")
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowUp")
    after = code_of(page)
    assert after[0] - before[0] == pytest.approx(4 * (high - low) / 40)
    assert after[1] > before[1]
    page.wait_for_function("words => document.querySelector('#ae-map p[aria-live]').textContent !== words", arg=words)
    for _ in range(45):
        page.keyboard.press("ArrowRight")
    assert code_of(page)[0] == pytest.approx(high)


def test_a_mouse_drags_the_point(opened, record):
    page = shown(opened())
    box = page.locator("#ae-map canvas").first.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + box["height"] * 0.25, steps=5)
    page.mouse.up()
    (left, right), (bottom, top) = record["models"][0]["limits"]
    expected = [left + 0.75 * (right - left), bottom + 0.75 * (top - bottom)]
    np.testing.assert_allclose(code_of(page), expected, atol=0.01 * (right - left))
    page.mouse.move(box["x"], box["y"])  # let go, it stays
    np.testing.assert_allclose(code_of(page), expected, atol=0.01 * (right - left))


@pytest.mark.parametrize("width", [390, 320])
def test_a_finger_moves_it_on_a_phone_that_the_page_fits(opened, record, width):
    page = shown(opened(viewport={"width": width, "height": 800}, has_touch=True))
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    box = page.locator("#ae-map canvas").first.bounding_box()
    page.touchscreen.tap(box["x"] + box["width"] * 0.9, box["y"] + box["height"] * 0.5)
    low, high = record["models"][0]["limits"][0]
    assert code_of(page)[0] == pytest.approx(low + 0.9 * (high - low), abs=0.02 * (high - low))


def test_another_decoder_is_chosen_by_keyboard_and_draws_another_image(opened):
    page = shown(opened())
    image = "document.querySelector('#ae-map .ae-map-picture').toDataURL()"
    before = page.evaluate(image)
    page.locator("#ae-map input").first.focus()
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.getElementById('ae-map').aeMap.models[1].name") == "autoencoder"
    page.wait_for_function(f"before => {image} !== before", arg=before)
    assert page.locator("#ae-map input").nth(1).is_checked()


def test_a_frame_takes_less_than_a_sixtieth_of_a_second(opened):
    page = shown(opened())
    milliseconds = page.evaluate("""() => {
        const map = document.getElementById('ae-map').aeMap, found = [];
        for (let i = 0; i < 60; i += 1) {
            map.at = [i / 60, 1 - i / 60];
            const begin = performance.now();
            map.paint();
            found.push(performance.now() - begin);
        }
        return found.sort((a, b) => a - b);
    }""")
    assert milliseconds[30] <= 17


def test_it_loads_only_when_it_comes_into_view(opened):
    page = opened(viewport={"width": 390, "height": 100})
    assert page.evaluate("window.aeMapData === undefined")
    shown(page)
    assert page.evaluate("window.aeMapData !== undefined")


def test_without_scripts_a_picture_and_a_sentence_stand_there(opened):
    page = opened(java_script_enabled=False)
    assert "needs scripts" in page.inner_text("#ae-map")
    assert page.locator("#fig-explore img").first.is_visible()


@pytest.fixture(scope="module")
def served():
    """Serve the site on this machine, so that a test can put something else in a file's place."""
    handler = functools.partial(QuietHandler, directory=str(SITE))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.mark.parametrize("change", ["cut short", "missing", "of another size"])
def test_weights_that_do_not_load_or_do_not_fit_are_said(browser, served, record, change):
    page = browser.new_page()

    def answer(route):
        if change == "missing":
            route.abort()
        elif change == "cut short":
            route.fulfill(body=DATA.read_text(encoding="utf-8")[:5000], content_type="text/javascript")
        else:
            route.fulfill(
                body=f"window.aeMapData = {json.dumps({**record, 'width': 27})};", content_type="text/javascript"
            )

    page.route("**/map-data.js", answer)
    page.goto(f"{served}/book/explore.html")
    page.locator("#ae-map").scroll_into_view_if_needed()
    page.wait_for_selector("#ae-map .ae-map-fault")
    assert "cannot be shown" in page.inner_text("#ae-map")
    assert page.locator("#fig-explore img").first.is_visible()
    page.close()
