"""What must hold of conversations, notes and tasks."""

from qudao.base.invariants import Check

#: the columns of a planted row; triggers are off then, so its people and sides need not exist
SUBJECT = "subject_kind, subject_id, seller_id, buyer_id, number"
THREAD = f"INSERT INTO qudao_messages_thread ({SUBJECT}, count, last_at) VALUES ('orders.order', -1, 1, 2, '', %s, now())"
MESSAGE = """INSERT INTO qudao_messages_message (thread_id, at, user_id, org_id, name, text, mentions, files)
    SELECT id, now(), 0, %s, '', 'x', '[]', 0 FROM qudao_messages_thread WHERE subject_id = -1"""

CHECKS = [
    Check(
        "messages.threads_count_their_messages",
        """SELECT t.id, concat_ws(' ', 'counts', t.count, 'has', count(m.id)) AS note
           FROM qudao_messages_thread t LEFT JOIN qudao_messages_message m ON m.thread_id = t.id GROUP BY t.id
           HAVING t.count <> count(m.id) OR t.last_at IS DISTINCT FROM max(m.at)""",
        THREAD % 3,
    ),
    Check(
        "messages.only_the_two_sides_speak",
        """SELECT m.id, concat_ws(' ', 'organisation', m.org_id, 'is no side of', t.subject_kind, t.subject_id) AS note
           FROM qudao_messages_message m JOIN qudao_messages_thread t ON t.id = m.thread_id WHERE m.org_id NOT IN (t.seller_id, t.buyer_id)""",
        f"{THREAD % 1}; {MESSAGE % 3}",
    ),
    Check(
        "messages.notes_leave_no_trace_on_the_other_side",
        # their files, log lines, events and notices have one side, the one that wrote them; notices are for its own people
        """SELECT n.id, concat_ws(' ', r.what, r.id, 'has the sides', r.seller_id, r.buyer_id, 'but the note is of', n.org_id) AS note
           FROM qudao_messages_note n JOIN (
               SELECT 'file' AS what, id, subject_kind, subject_id, seller_id, buyer_id FROM base_storedfile
               UNION ALL SELECT 'log line', id, subject_kind, subject_id, seller_id, buyer_id FROM base_actionlog
               UNION ALL SELECT 'event', id, subject_kind, subject_id, seller_id, buyer_id FROM base_event
               UNION ALL SELECT 'notice', id, subject_kind, subject_id, seller_id, buyer_id FROM qudao_messages_notice
           ) r ON r.subject_kind = 'messages.note' AND r.subject_id = n.id
           WHERE r.seller_id IS DISTINCT FROM n.org_id OR r.buyer_id IS NOT NULL
           UNION ALL
           SELECT n.id, concat_ws(' ', 'person', c.user_id, 'was told of it without belonging to', n.org_id)
           FROM qudao_messages_note n JOIN qudao_messages_notice c ON c.subject_kind = 'messages.note' AND c.subject_id = n.id
           WHERE NOT EXISTS (SELECT 1 FROM people_membership m WHERE m.user_id = c.user_id AND m.org_id = n.org_id)""",
        f"""INSERT INTO qudao_messages_note ({SUBJECT}, at, user_id, org_id, name, text, mentions, files)
                VALUES ('orders.order', -1, 1, 2, '', now(), 0, 1, '', 'x', '[]', 0);
            INSERT INTO qudao_messages_notice (user_id, event_id, code, params, created_at, {SUBJECT})
                SELECT 0, -1, 'messages.noted', '{{}}', now(), 'messages.note', id, 1, 2, '' FROM qudao_messages_note WHERE subject_id = -1""",
    ),
    Check(
        "messages.tasks_stay_with_their_document",
        """SELECT k.id, 'comes from a message of another document' AS note FROM qudao_messages_task k
           JOIN qudao_messages_message m ON m.id = k.message_id JOIN qudao_messages_thread t ON t.id = m.thread_id
           WHERE (k.subject_kind, k.subject_id) <> (t.subject_kind, t.subject_id)""",
        f"""{THREAD % 1}; {MESSAGE % 1};
            INSERT INTO qudao_messages_task ({SUBJECT}, title, assignee_id, org_id, by_user_id, by_org_id, message_id, created_at)
                SELECT 'orders.order', -2, 1, 2, '', 'x', 0, 1, 0, 2, m.id, now()
                FROM qudao_messages_message m JOIN qudao_messages_thread t ON t.id = m.thread_id WHERE t.subject_id = -1""",
    ),
]
