//! The kinds of job of questions. A new one is a contract file in this folder, a handler file of the same name in
//! the worker's folder `handlers/questions`, and one line in the list below; without the handler the worker does not compile.

use jobs::declare_kinds;

/// Hands the list of kinds, as `module: Type`, to another macro.
#[macro_export]
macro_rules! for_each_kind {
    ($callback:ident) => {
        $callback! {
            answer_question: AnswerQuestion,
            call_tool: CallTool,
            prepare_reports: PrepareReports,
        }
    };
}

for_each_kind!(declare_kinds);
