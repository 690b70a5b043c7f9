//! The kinds of job of what goes to other systems. A new one is a contract file in this folder, a handler file of the same
//! name in the worker's folder `handlers/outbound`, and one line in the list below; without the handler the worker does
//! not compile.

use jobs::declare_kinds;

/// Hands the list of kinds, as `module: Type`, to another macro.
#[macro_export]
macro_rules! for_each_kind {
    ($callback:ident) => {
        $callback! {
            answer_slack: AnswerSlack,
            deliver_webhook: DeliverWebhook,
            send_slack_alert: SendSlackAlert,
        }
    };
}

for_each_kind!(declare_kinds);
