// Drawings of movements and verdicts, as paths in a square of 100. The live picture is a mirror: the person's own left
// is the screen's left.

export const MOVEMENTS = {
  turn_left: "M88 50H20M44 24L16 50l28 26",
  turn_right: "M12 50h68M56 24l28 26-28 26",
  nod: "M50 10v62M26 50l24 26 24-26M24 90h52",
  come_nearer: "M8 8l24 24M32 14v18H14M92 8L68 32M68 14v18h18M8 92l24-24M32 86V68H14M92 92L68 68M68 86V68h18",
};

export const WARNING = "M50 12L92 86H8zM50 38v24M50 72v4";

export const VERDICTS = {
  PASS: "M22 54l19 19 38-44",
  REVIEW: "M50 22a15 15 0 1 1 0 30 15 15 0 0 1 0-30zM20 84c3-17 15-25 30-25s27 8 30 25",
  REFUSE: "M28 28l44 44M72 28L28 72",
};
