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
            assign_ticket: AssignTicket,
            draft_reply: DraftReply,
            drain_waiting: DrainWaiting,
            offer_again: OfferAgain,
            post_internal_note: PostInternalNote,
            recommend_actions: RecommendActions,
            reconcile_gorgias: ReconcileGorgias,
            recount_sla: RecountSla,
            refresh_rank: RefreshRank,
            send_link: SendLink,
            send_reply: SendReply,
            settle_ticket: SettleTicket,
            sync_help_desk: SyncHelpDesk,
            take_mail_in: TakeMailIn,
            wake_ticket: WakeTicket,
        }
    };
}

for_each_kind!(declare_kinds);
