// The words of the screens of imports.

export const TEXTS = {
  title: "Imports",
  note: "Orders from a file: CSV, a spreadsheet, Parquet, packed or not. You see what would become of it before anything is stored.",
  empty: "Nothing was imported yet",
  choose: "Choose a file",
  drop: "The file stays on this machine until you import it; only its beginning is looked at for the preview.",
  preview: "What would become of it",
  go: "Import it",
  undo: "Take the import back",
  undoWhat: "Every order that this import brought is taken back as a whole. Customers’ profiles follow.",
  rejects: "Left out or with a remark",
  noRejects: "Every line was taken without a remark.",
};
