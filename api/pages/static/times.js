// Days and times as every page writes them, in both languages: 2026-11-22, and 2026-11-22 10:15 in Beijing, where all
// of them are; with seconds (10:15:03) where what happened is followed closely. Pages say once that it is Beijing's.

const MINUTE = new Intl.DateTimeFormat("sv-SE", { timeZone: "Asia/Shanghai", dateStyle: "short", timeStyle: "short" });
const SECOND = new Intl.DateTimeFormat("sv-SE", { timeZone: "Asia/Shanghai", dateStyle: "short", timeStyle: "medium" });

/** A moment (ISO 8601) to the minute. */
export const minute = (moment) => MINUTE.format(new Date(moment));

/** A moment to the second; a dash where there is none. */
export const time = (moment) => (moment ? SECOND.format(new Date(moment)) : "–");

/** Today's month: YYYY-MM. */
export const thisMonth = () => SECOND.format(new Date()).slice(0, 7);

/** From one day to another (YYYY-MM-DD); `always` is said where there is no last one. */
export const days = (from, to, always) => `${from} – ${to ?? always}`;
