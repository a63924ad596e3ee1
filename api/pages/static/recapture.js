// Whether another picture may make anything else of a check: of a card that is lost, replaced or out of its days none
// does. And whether what the card's holder does next may be told to who stands there.

const OPEN = new Set(["valid", "card_not_found"]);

export const mayMend = (answer) => answer.decision !== "PASS" && !cardDecides(answer);

/** A card that is refused whoever shows it. */
export const cardDecides = ({ document }) => !OPEN.has(document.status);

/** What brings a lost card back, or gets a new one, is nothing for somebody who is not its holder. */
export const toTheHolder = ({ words }) => words.advice.code !== "suspected_fraud";
