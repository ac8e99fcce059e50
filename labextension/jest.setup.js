// What jsdom lacks: what Lumino's widgets ask for when they are loaded, and a canvas to draw on.
if ('MouseEvent' in globalThis) {
  globalThis.DragEvent ??= class DragEvent extends MouseEvent {};
  HTMLCanvasElement.prototype.getContext = () => null;
}
