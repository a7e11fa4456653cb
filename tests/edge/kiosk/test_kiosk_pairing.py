"""Pictures and their faces on the page, part by part: a picture waits for its result, and boxes are of its moment."""

import cv2
import numpy as np
from chromium_pages import IN_CHROMIUM

pytestmark = IN_CHROMIUM
LATER = """async () => (await import("/static/picture.js")).at(
  [
    { captured: 10, faces: [{ track: 1, box: [0, 0, 40, 40] }, { track: 2, box: [200, 0, 40, 40] }] },
    { captured: 12, faces: [{ track: 1, box: [100, 50, 60, 40] }] },
  ],
  MOMENT,
).map(({ box }) => box)"""
# What is drawn, and with which faces, as pictures of 10.0 and 10.3 s are there and results come in.
FILM = """async () => {
  const { film } = await import("/static/picture.js"), drawn = [], canvas = document.createElement("canvas");
  const shown = film(canvas, (faces) => drawn.push([canvas.shown, faces.map(({ track }) => track)]));
  const pause = () => new Promise((done) => setTimeout(done, 700)), said = [];
  shown.follow();
  await pause();
  said.push(structuredClone(drawn));
  shown.take(10.0, [{ track: 1, box: [0, 0, 9, 9] }]);
  said.push(structuredClone(drawn));
  shown.take(10.3, [{ track: 2, box: [0, 0, 9, 9] }]);
  said.push(structuredClone(drawn));
  shown.stop();
  return said;
}"""


def motion_jpeg(*moments):
    """A multipart/x-mixed-replace body with a picture of each moment."""
    jpeg = cv2.imencode(".jpg", np.zeros((16, 16, 3), np.uint8))[1].tobytes()
    head = "--next\r\nContent-Type: image/jpeg\r\nContent-Length: {}\r\nX-Captured: {}\r\n\r\n"
    return b"".join(head.format(len(jpeg), moment).encode() + jpeg + b"\r\n" for moment in moments)


def test_a_picture_waits_until_its_own_result_is_known(visit):
    page = visit("/privacy")
    page.route("**/stream.mjpg", lambda route: route.fulfill(body=motion_jpeg(10.0, 10.3)))
    assert page.evaluate(FILM) == [[], [[10.0, [1]]], [[10.0, [1]], [10.3, [2]]]]


def test_a_picture_without_a_result_is_not_waited_for_longer_than_it_seems_still(visit):
    page = visit("/privacy")
    page.route("**/stream.mjpg", lambda route: route.fulfill(body=motion_jpeg(9.0, 10.3)))
    assert page.evaluate(FILM)[0] == [[9.0, []]]


def test_boxes_between_two_results_are_of_the_pictures_moment(visit):
    page = visit("/privacy")

    def at(moment):
        return page.evaluate(LATER.replace("MOMENT", str(moment)))

    assert at(10) == [[0, 0, 40, 40], [200, 0, 40, 40]]
    assert at(10.5) == [[25, 12.5, 45, 40], [200, 0, 40, 40]], "moved a quarter of the way; who is not followed stays"
    assert at(12.5) == [[125, 62.5, 65, 40]], "moved on as it went"
    assert at(13.5) == [], "for a second at most"
