// Opening hours as the API says them.

export type Span = [string, string];
export const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;
export type Day = (typeof DAYS)[number];
export type Week = Record<Day, Span[]>;
export type Holiday = { date: string; name?: string; open: Span[] };

export type Calendar = {
  id: string;
  version: number;
  name: string;
  is_default: boolean;
  valid_from: string;
  zone: string;
  week: Week;
  holidays: Holiday[];
  updated_at: string;
};

export const DAY_NAMES: Record<Day, string> = {
  mon: "Monday",
  tue: "Tuesday",
  wed: "Wednesday",
  thu: "Thursday",
  fri: "Friday",
  sat: "Saturday",
  sun: "Sunday",
};
