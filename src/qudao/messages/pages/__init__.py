"""Pages of notices, of conversations about documents, and of tasks."""

from django.urls import path

from qudao.messages.pages.notices import NoticeList, Topics, address_of, email, open_notice, read, unread
from qudao.messages.pages.talk import message_file, note_file, open_note, people, talk, talk_panel
from qudao.messages.pages.tasks import Assign, Finish, Reopen, TaskList, open_task
from qudao.messages.pages.wordings import routes as wordings
from qudao.messages.states import DOCUMENTS

__all__ = ["address_of", "routes", "talk_panel"]

routes = [
    *wordings,
    path("notices/", NoticeList.as_view(), name="notices"),
    path("notices/<int:pk>/", open_notice, name="notice"),
    path("notices/read", read, name="notices_read"),
    path("notices/unread", unread, name="notices_unread"),
    path("notices/email", email, name="notices_email"),
    path("notices/topics", Topics.as_view(), name="notices_topics"),
    *(path(f"{at}/<int:pk>/messages", talk, {"kind": kind}, name=f"{kind.partition('.')[2]}_messages") for at, kind in DOCUMENTS.items()),
    *(path(f"{at}/<int:pk>/messages/people", people, {"kind": kind}, name=f"{kind.partition('.')[2]}_people") for at, kind in DOCUMENTS.items()),
    *(path(f"{at}/<int:pk>/tasks", Assign.as_view(), {"kind": kind}, name=f"{kind.partition('.')[2]}_tasks") for at, kind in DOCUMENTS.items()),
    path("messages/<int:pk>/files/<int:file_id>", message_file, name="message_file"),
    path("notes/<int:pk>/", open_note, name="note"),
    path("notes/<int:pk>/files/<int:file_id>", note_file, name="note_file"),
    path("tasks/", TaskList.as_view(), name="tasks"),
    path("tasks/<int:pk>/", open_task, name="task"),
    path("tasks/<int:pk>/completion", Finish.as_view(), name="task_completion"),
    path("tasks/<int:pk>/reopening", Reopen.as_view(), name="task_reopening"),
]
