// The words of the screens of models.

export const TEXTS = {
  title: "Models",
  note: "What predicts who leaves and what customers spend. The champion is in force; a challenger is compared with it on days that neither has seen.",
  empty: "No model was trained yet",
  train: "Train",
  promote: "Put this model in force",
  promoteWhat:
    "The next run uses it for everybody. The model that is in force now stays, and can be put back the same way.",
  calibration: "Does it mean what it says?",
  importance: "What it looks at",
  compared: "Against simple rules",
};

export const TARGETS: Record<string, string> = { churn: "Who leaves", ltv: "What they spend" };

export const METRICS: Record<string, string> = {
  roc_auc: "Ranks a leaver above a stayer",
  average_precision: "Average precision",
  brier: "Brier score (less is better)",
  calibration_error: "Calibration error (less is better)",
  log_loss: "Log loss (less is better)",
  mean_absolute_error: "Mean absolute error (less is better)",
};
