// The bands of churn in words, from the least to the most likely to leave.

export const BANDS = ["low", "medium", "high", "critical"] as const;

export const BAND_WORDS: Record<string, string> = {
  low: "Likely to stay",
  medium: "May leave",
  high: "Likely to leave",
  critical: "Almost certain to leave",
};
