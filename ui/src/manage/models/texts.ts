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
};
