// A board to draw on with a finger, a pen, a mouse or the keyboard. Strokes are kept as points,
// [x, y] from 0 to 1 across the board and down, so that a picture of any size can be made of them.

const NEAR = 0.004; // of the board: points nearer than this are one

export class Board {
  // onStroke(strokes, isDone) is called for every change of the drawing.
  constructor(canvas, onStroke) {
    this.canvas = canvas;
    this.onStroke = onStroke;
    this.strokes = [];
    this.look = { ink: "#ffffff", paper: "#000000", pen: 0.08, bitmap: null };
    this.cursor = null; // of the keyboard
    this.pressed = null; // the pointer that draws
    canvas.addEventListener("pointerdown", (event) => this.start(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    for (const name of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(name, (event) => this.end(event));
    }
    canvas.addEventListener("keydown", (event) => this.key(event));
    canvas.addEventListener("blur", () => { this.cursor = null; this.draw(); });
  }

  start(event) {
    if (this.pressed !== null || event.button) return;
    event.preventDefault();
    this.canvas.focus({ preventScroll: true });
    this.pressed = event.pointerId;
    try {
      this.canvas.setPointerCapture(event.pointerId);
    } catch { /* a pointer that is gone already */ }
    this.cursor = null;
    this.strokes = [...this.strokes, [this.placeOf(event)]];
    this.changed(false);
  }

  move(event) {
    if (event.pointerId !== this.pressed) return;
    const parts = event.getCoalescedEvents?.() ?? [];
    for (const part of parts.length ? parts : [event]) this.add(this.placeOf(part));
    this.changed(false);
  }

  end(event) {
    if (event.pointerId !== this.pressed) return;
    this.pressed = null;
    this.changed(true);
  }

  add(point) {
    const stroke = this.strokes.at(-1);
    const last = stroke.at(-1);
    if (Math.hypot(point[0] - last[0], point[1] - last[1]) >= NEAR) stroke.push(point);
  }

  placeOf(event) {
    const box = this.canvas.getBoundingClientRect();
    const share = (at, from, size) => Math.min(1, Math.max(0, (at - from) / size));
    return [share(event.clientX, box.left, box.width), share(event.clientY, box.top, box.height)];
  }

  // Arrow keys move the pen, and the space bar puts it down and lifts it.
  key(event) {
    const step = event.shiftKey ? 0.01 : 0.04;
    const moves = {
      ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step],
    };
    const move = moves[event.key];
    if (!move && event.key !== " ") return;
    event.preventDefault();
    this.cursor ??= { at: [0.5, 0.5], isDown: false };
    if (!move) {
      this.cursor.isDown = !this.cursor.isDown;
      if (this.cursor.isDown) this.strokes = [...this.strokes, [this.cursor.at]];
    } else {
      this.cursor.at = this.cursor.at.map((x, axis) => Math.min(1, Math.max(0, x + move[axis])));
      if (this.cursor.isDown) this.add(this.cursor.at);
    }
    if (this.cursor.isDown || !move) this.changed(!this.cursor.isDown);
    else this.draw();
  }

  changed(isDone) {
    this.onStroke(this.strokes, isDone);
  }

  // Show other strokes, or a bitmap instead of them.
  show(strokes, look) {
    this.strokes = strokes;
    Object.assign(this.look, look);
    this.draw();
  }

  draw() {
    const { canvas, look } = this;
    const context = canvas.getContext("2d");
    const [width, height] = [canvas.width, canvas.height];
    context.fillStyle = look.paper;
    context.fillRect(0, 0, width, height);
    if (look.bitmap) drawFitted(context, look.bitmap, width, height);
    context.strokeStyle = look.ink;
    context.lineWidth = look.pen * Math.min(width, height);
    context.lineCap = context.lineJoin = "round";
    for (const stroke of this.strokes) {
      context.beginPath();
      const [first, ...others] = stroke.map(([x, y]) => [x * width, y * height]);
      context.moveTo(...first);
      for (const place of others.length ? others : [first]) context.lineTo(...place);
      context.stroke();
    }
    if (this.cursor) this.drawCursor(context, width, height);
  }

  drawCursor(context, width, height) {
    const [x, y] = this.cursor.at;
    context.beginPath();
    context.arc(x * width, y * height, 0.04 * width, 0, 2 * Math.PI);
    context.lineWidth = 0.01 * width;
    context.strokeStyle = this.cursor.isDown ? "#ff9d57" : "#79b4ff";
    context.stroke();
  }
}

function drawFitted(context, bitmap, width, height) {
  const scale = Math.min(width / bitmap.width, height / bitmap.height);
  const size = [bitmap.width * scale, bitmap.height * scale];
  context.imageSmoothingEnabled = scale < 2;
  context.drawImage(bitmap, (width - size[0]) / 2, (height - size[1]) / 2, ...size);
}
