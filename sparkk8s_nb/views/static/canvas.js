// What drawing on a canvas needs: its colours, how much room there is, and a pen that draws sharply.

function coloursOf(canvas) {
  const look = getComputedStyle(canvas);
  return {
    text: look.color,
    line: look.borderTopColor,
    busy: look.accentColor,
    good: look.columnRuleColor,
    warn: look.textDecorationColor,
    bad: look.caretColor,
    ground: look.outlineColor,
    font: look.fontFamily,
  };
}

// Colours for a canvas: it takes none of CSS, so the style sheet gives them to properties that it does not use. They
// are kept between drawings: to ask the page for them makes it work out the style of all that was just changed.
export class Colours {
  constructor(canvas) {
    this.canvas = canvas;
    this.known = null;
  }

  get value() {
    return this.known ?? this.read();
  }

  // Outside of a page there are none to keep.
  read() {
    const found = coloursOf(this.canvas);
    this.known = found.text ? found : null;
    return found;
  }

  // Asks again: the theme may have changed. Whether they are others now.
  changed() {
    const before = this.known;
    const now = this.read();
    return before !== null && Object.keys(now).some((name) => now[name] !== before[name]);
  }
}

// How wide an element is, without asking the page for it at every drawing; told again whenever that changes.
export class Width {
  constructor(node, onChange) {
    this.node = node;
    this.known = 0;
    if (!globalThis.ResizeObserver) return;
    new ResizeObserver(() => {
      const width = node.clientWidth;
      if (width === this.known || width === 0) return;
      this.known = width;
      onChange();
    }).observe(node);
  }

  // In pixels; a guess where it is not in a page yet.
  get value() {
    if (this.known === 0) this.known = this.node.clientWidth || 0;
    return this.known || 700;
  }
}

// A canvas made to fit, sharp on dense screens; its pen, or null where there is none.
export function penOn(canvas, width, height) {
  const scale = globalThis.devicePixelRatio || 1;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const pen = canvas.getContext?.("2d") ?? null;
  pen?.scale(scale, scale);
  return pen;
}
