"""Somebody before the browser's camera who does what the page asks.

A film in a file cannot: it moves in an order of its own. So the page's camera is a canvas, on which
drawn pictures follow the words that the page shows, as a person would who reads them.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence

from playwright.sync_api import Page

from benchmarks.liveness_sessions.films import Turning
from perse.domain.session_frames import GivenPrompt, Prompt

ASKED = {
    Prompt.LOOK_LEFT: "Turn your head to your left.",
    Prompt.LOOK_RIGHT: "Turn your head to your right.",
    Prompt.LOOK_UP: "Lift your chin and look up.",
    Prompt.COME_CLOSER: "Move your face nearer to the camera.",
}
_STEPS = 9
# Each picture is shown again and again, moved by less than a pixel, as nobody holds quite still.
_SCRIPT = """
({ ways, readMs, moveMs }) => {
  const pictures = {};
  for (const [words, way] of Object.entries(ways)) {
    pictures[words] = way.map((jpeg) => {
      const image = new Image();
      image.src = `data:image/jpeg;base64,${jpeg}`;
      return image;
    });
  }
  const asked = () => {
    const shown = document.querySelector("perse-capture")?.shadowRoot?.querySelector(".words");
    return Object.keys(ways).find((words) => shown?.textContent?.startsWith(words)) ?? null;
  };
  const film = () => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [640, 480];
    const paint = canvas.getContext("2d");
    let [goal, way, share, read, last] = [null, Object.keys(ways)[0], 0, 0, performance.now()];
    const step = () => {
      const now = performance.now();
      const moved = (now - last) / moveMs;
      last = now;
      const wanted = asked();
      if (wanted !== goal) [goal, read] = [wanted, now + readMs];
      if (now >= read && goal !== way && share > 0) share = Math.max(0, share - moved);
      else if (now >= read && goal !== null) [way, share] = [goal, Math.min(1, share + moved)];
      const picture = pictures[way][Math.round(share * (pictures[way].length - 1))];
      const fit = Math.min(640 / picture.width, 480 / picture.height);
      const [width, height] = [picture.width * fit, picture.height * fit];
      const [aside, above] = [Math.sin(now / 311), Math.sin(now / 237)];
      paint.fillStyle = "#808080";
      paint.fillRect(0, 0, 640, 480);
      const [left, top] = [(640 - width) / 2 + aside, (480 - height) / 2 + above];
      paint.drawImage(picture, left, top, width, height);
    };
    step();
    setInterval(step, 50);
    return canvas.captureStream(20);
  };
  navigator.mediaDevices.getUserMedia = async () => film();
}
"""


def obey(page: Page, film: Turning, *, read_s: float = 0.6, move_s: float = 0.8) -> None:
    """From the next page on, the film's surface follows what is asked of it."""
    ways = {ASKED[prompt]: _encoded(way_of(film, prompt)) for prompt in ASKED}
    given = {"ways": ways, "readMs": 1000 * read_s, "moveMs": 1000 * move_s}
    page.add_init_script(f"({_SCRIPT})({json.dumps(given)})")


def way_of(film: Turning, prompt: Prompt) -> Sequence[bytes]:
    """From looking ahead to what is asked, picture by picture."""
    given = [GivenPrompt(Prompt.LOOK_AHEAD, 0.0), GivenPrompt(prompt, 100.0)]
    lasts_s = film.manner.delay_s + film.manner.move_s
    return [film.frame(100 + lasts_s * step / (_STEPS - 1), given) for step in range(_STEPS)]


def _encoded(pictures: Sequence[bytes]) -> Sequence[str]:
    return [base64.b64encode(picture).decode() for picture in pictures]
