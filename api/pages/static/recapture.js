// Whether another picture may make anything else of a check: of a card that is lost, replaced or out of its days none does.

const OPEN = new Set(["valid", "card_not_found"]);

export const mayMend = ({ decision, document }) => decision !== "PASS" && OPEN.has(document.status);
