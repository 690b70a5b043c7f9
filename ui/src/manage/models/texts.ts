// The words of the screens of models.

export const TEXTS = {
  title: "Models",
  note: "What predicts who leaves and what customers spend. The champion is in force; a challenger is compared with it on days that neither has seen.",
  empty: "No model was trained yet",
  emptyNote:
    "The night’s run trains them by itself when the shop has enough orders; above, one is trained now. Until then simple rules are used.",
  train: "Train",
  promote: "Put this model in force",
  promoteWhat:
    "The next run uses it for everybody. The model that is in force now stays, and can be put back the same way.",
  calibration: "Does it mean what it says?",
  importance: "What it looks at",
  byItself: "By itself, by the figures below",
  compared: "Against simple rules",
  less: "Where an arrow points down, less is better. In brackets the range of 95 %.",
};

export const TARGETS: Record<string, string> = { churn: "Who leaves", ltv: "What they spend" };

export const METRICS: Record<string, string> = {
  roc_auc: "Ranks a leaver above a stayer",
  average_precision: "Average precision",
  brier: "Brier score ↓",
  calibration_error: "Calibration error ↓",
  log_loss: "Log loss ↓",
  mean_absolute_error: "Mean absolute error ↓",
  bias: "Forecast for each unit spent (1 is right)",
  capture: "Share of spending among those ranked first",
};

/** What a model is made of. */
export const FAMILIES: Record<string, string> = {
  purchases: "Rhythm of purchases (BG/NBD)",
  regression: "Logistic regression",
  trees: "Gradient-boosted trees",
  lightgbm: "Gradient-boosted trees",
};
