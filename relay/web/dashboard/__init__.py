"""The dashboard: pages for people, made by the server from what the admin API tells, readable without JavaScript.

`door` lists the pages; `reading` and `acting` answer them; `guard` lets people in; `rendering` makes HTML of templates.
What a page shows is what the API answers, so nothing can be seen here that is masked there.
"""
