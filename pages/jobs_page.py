"""Jobs: what runs, what waits, what has ended, and why."""

import streamlit as st

from ui.errors import explained
from ui.panels.job_detail import job_detail
from ui.panels.job_list import finished_list, live_list
from ui.state import Query, query

st.title("Jobs", anchor=False)
job_id = query(Query.JOB)
if job_id:
    with explained():
        job_detail(job_id)
live_list()
finished_list()
