"""Jobs: what runs, what waits, what has ended, and why."""

from ui.errors import explained
from ui.jobs.job_detail import job_detail
from ui.jobs.job_list import finished_list, live_list
from ui.jobs.memory import memory_panel
from ui.parts.help import page_title
from ui.state import Query, query

page_title("Jobs", "guide/models-and-jobs#jobs")
job_id = query(Query.JOB)
if job_id:
    with explained():
        job_detail(job_id)
live_list()
finished_list()
memory_panel()
