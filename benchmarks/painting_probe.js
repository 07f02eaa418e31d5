// Watches a page that is painted on: when the pixel ahead of a moving brush changes on its canvas, when a stroke is
// answered, how often frames come. `ahead`: how far before the pointer, in CSS pixels, a stroke to the right paints anew.
({ canvasSelector, answerSelector, ahead }) => {
  const find = (selector, root = document) => {
    const hit = root.querySelector(selector);
    if (hit) return hit;
    for (const element of root.querySelectorAll("*")) {
      const inner = element.shadowRoot && find(selector, element.shadowRoot);
      if (inner) return inner;
    }
    return null;
  };
  const probe = { drawn: [], handled: [], answered: [], frames: [], unseen: 0, counting: false };
  const canvas = find(canvasSelector);
  const context = canvas.getContext("2d");
  let waiting = [];
  let lifted = null; // {at, busy}: a stroke is over, and whether its answer is under way

  const colour = (x, y) => {
    const box = canvas.getBoundingClientRect();
    const ratio = canvas.width / box.width;
    return context.getImageData(Math.round((x - box.left) * ratio), Math.round((y - box.top) * ratio), 1, 1).data.join();
  };
  // a page may paint as soon as the pointer moves, before the frame's own event
  window.addEventListener("pointerrawupdate", (event) => {
    if (!(event.buttons & 1) || probe.counting) return;
    const [x, y] = [event.clientX + ahead, event.clientY];
    waiting.push({ x, y, before: colour(x, y), born: event.timeStamp, seen: performance.now() });
  }, { capture: true });
  window.addEventListener("pointerup", (event) => { lifted = { at: event.timeStamp, busy: false }; }, { capture: true });
  window.addEventListener("mouseup", (event) => { lifted ??= { at: event.timeStamp, busy: false }; }, { capture: true });

  // after the frame's own work and painting: a message that is posted in the frame comes back then
  const channel = new MessageChannel();
  channel.port1.onmessage = () => {
    const now = performance.now();
    waiting = waiting.filter((item) => {
      if (colour(item.x, item.y) !== item.before) {
        probe.drawn.push(now - item.born);
        probe.handled.push(now - item.seen);
        return false;
      }
      if (now - item.seen < 1000) return true;
      probe.unseen += 1; // the same class was there already
      return false;
    });
  };
  const onFrame = (at) => {
    if (probe.counting) probe.frames.push(at);
    else channel.port2.postMessage(0);
    requestAnimationFrame(onFrame);
  };
  requestAnimationFrame(onFrame);

  const answer = find(answerSelector);
  let before = answer.textContent;
  const look = () => {
    const now = find(answerSelector)?.textContent ?? before;
    if (now === before) return;
    before = now;
    if (lifted && answer.dataset.state === "saving") lifted.busy = true;
    else if (lifted && (lifted.busy || !answer.dataset.state)) {
      probe.answered.push(performance.now() - lifted.at);
      lifted = null;
    }
  };
  const watched = answer.dataset.state ? answer : document.body;
  new MutationObserver(look).observe(watched, { subtree: true, childList: true, characterData: true, attributes: true });
  window.paintingProbe = probe;
}
