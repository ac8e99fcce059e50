// Buttons that change something: how many executors there are, the end of a session, the end of a cell's jobs.
import { button, element, isUsable, setText, setUsable } from "./shared.js";

// A button that asks back before it does what it says: Escape or the other button leave everything as it is.
// `about` says what it is asked of; that is what `run` gets, whatever is shown by then.
export class ConfirmedButton {
  constructor({ text, label, question, yes, no, run, kind = "", about = () => null }) {
    this.about = about;
    this.subject = null;
    this.element = element("span", "sk8s-confirm");
    this.first = button(text, label, () => this.ask(true));
    if (kind) this.first.className = `sk8s-button ${kind}`;
    this.question = element("span", "sk8s-question");
    this.question.setAttribute("role", "group");
    this.question.setAttribute("aria-label", question);
    this.yes = button(yes, "", () => {
      this.ask(false);
      run(this.first, this.subject);
    });
    // Whoever holds the key that asked has not answered.
    this.yes.addEventListener("keydown", (event) => event.repeat && event.preventDefault());
    this.yes.className = "sk8s-button sk8s-danger";
    const keep = button(no, "", () => this.ask(false));
    this.question.append(element("span", "", question), this.yes, keep);
    this.question.hidden = true;
    this.question.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      this.ask(false);
    });
    this.element.append(this.first, this.question);
  }

  ask(open) {
    // What was asked before is not answered yet: nothing would come of a yes.
    if (open && !isUsable(this.first)) return;
    if (open) this.subject = this.about();
    this.turn(open);
    (open ? this.yes : this.first).focus?.();
  }

  turn(open) {
    this.question.hidden = !open;
    this.first.hidden = open;
  }

  // Shown or not. What it asks is taken back where it is not, or would now be asked of something else (`same`). Who was
  // at it is then at the button, or where that is gone `beside` it.
  offer(offered, same, beside) {
    const focused = this.element.contains(document.activeElement);
    const taken = !this.question.hidden && !(offered && same(this.subject, this.about()));
    if (taken) this.turn(false);
    this.element.hidden = !offered;
    if (focused && (taken || !offered)) (offered ? this.first : beside).focus();
  }
}

// Runs an action of a button and tells what comes of it: it cannot be pressed again before its answer is there, unless
// it was freed for something else meanwhile (`free`).
export async function pressed(pressedButton, tell, act) {
  setUsable(pressedButton, false);
  const press = (pressedButton.press = {});
  tell({ said: "…" });
  try {
    tell(await act(tell));
  } finally {
    if (pressedButton.press === press) free(pressedButton);
  }
}

export function free(pressedButton) {
  pressedButton.press = null;
  setUsable(pressedButton, true);
}

// How many executors are asked for, how many are there, and a place to ask for another number.
export class ScaleControl {
  constructor(view, actions) {
    this.element = element("span", "sk8s-scale");
    this.element.setAttribute("role", "group");
    this.element.setAttribute("aria-label", "Number of executors");
    this.there = element("span", "sk8s-muted");
    this.wish = element("input", "sk8s-wish");
    this.wish.type = "number";
    this.wish.min = "1";
    this.wish.setAttribute("aria-label", "Executors to ask for");
    this.asked = 0;
    this.touched = false;
    this.pending = false;
    const less = button("−", "One executor less", () => this.step(-1));
    const more = button("+", "One executor more", () => this.step(1));
    this.apply = button("Scale", "Scale to that many executors", () => this.send(view, actions));
    this.wish.addEventListener("input", () => this.touch());
    this.wish.addEventListener("keydown", (event) => {
      if (event.key === "Enter") this.send(view, actions);
      if (event.key === "Escape") this.follow();
      event.stopPropagation();
    });
    const joined = element("span", "sk8s-joined");
    joined.append(less, this.wish, more);
    this.element.append(this.there, joined, this.apply);
    this.touch(false);
  }

  show({ wanted, counts }) {
    this.asked = wanted;
    setText(this.there, `${counts.running} of ${wanted} there`);
    this.there.title = `${wanted} asked for, ${counts.running} running`;
    if (!this.touched) this.follow();
  }

  touch(touched = true) {
    this.touched = touched;
    setUsable(this.apply, touched && !this.pending);
  }

  // Shows again what is asked for.
  follow() {
    this.touch(false);
    const asked = String(this.asked);
    if (this.wish.value !== asked) this.wish.value = asked;
  }

  step(by) {
    this.wish.value = String(Math.max(1, (Number(this.wish.value) || this.asked) + by));
    this.touch(Number(this.wish.value) !== this.asked);
  }

  async send(view, actions) {
    if (!this.touched || this.pending) return;
    const text = this.wish.value.trim();
    const number = Number(text);
    this.touched = false;
    const answered = pressed(this.apply, (answer) => view.tell(answer), (tell) => actions.scale(Number.isInteger(number) && text ? number : text, tell));
    this.pending = true;
    await answered;
    this.pending = false;
    // What was typed meanwhile stays.
    if (this.touched) this.touch();
    else this.follow();
  }
}
