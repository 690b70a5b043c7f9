-- Texts of rules are compared without regard to case in any alphabet now, and no more in ASCII alone: what was counted is
-- counted again.
delete from marketing_app.segment_count;
