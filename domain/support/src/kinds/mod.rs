//! The kinds of job of the support desk. A new one is a contract file in this folder, a handler file of the same name in
//! the worker's folder `handlers/support`, and one line in the list below; without the handler the worker does not compile.

use jobs::declare_kinds;

/// Hands the list of kinds, as `module: Type`, to another macro.
#[macro_export]
macro_rules! for_each_kind {
    ($callback:ident) => {
        $callback! {
            announce_sla: AnnounceSla,
            check_sla: CheckSla,
            analyze_message: AnalyzeMessage,
            apply_retention: ApplyRetention,
            assign_ticket: AssignTicket,
            call_rule_webhook: CallRuleWebhook,
            close_resolved: CloseResolved,
            draft_reply: DraftReply,
            drain_waiting: DrainWaiting,
            erase_customer: EraseCustomer,
            erase_in_help_desk: EraseInHelpDesk,
            export_customer: ExportCustomer,
            offer_again: OfferAgain,
            post_internal_note: PostInternalNote,
            recommend_actions: RecommendActions,
            reconcile_gorgias: ReconcileGorgias,
            recount_sla: RecountSla,
            redact_traces: RedactTraces,
            refresh_rank: RefreshRank,
            run_rules: RunRules,
            run_timed_rules: RunTimedRules,
            send_reply: SendReply,
            settle_ticket: SettleTicket,
            try_rule: TryRule,
            send_link: SendLink,
            sync_help_desk: SyncHelpDesk,
            take_mail_in: TakeMailIn,
            wake_ticket: WakeTicket,
        }
    };
}

for_each_kind!(declare_kinds);
