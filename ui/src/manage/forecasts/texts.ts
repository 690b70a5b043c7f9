// The words of the screen of forecasts.

export const TEXTS = {
  title: "Forecasts",
  note: "The next months, with the range in which four of five come true.",
  making: "The forecast is being made",
  none: "There is no forecast",
};
