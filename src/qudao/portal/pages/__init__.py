"""Pages that combine modules: home, figures of the year, the order desk, desk_file, the inbox of approvals, search, scan, help, the catalogue
of a buyer and the basket."""

from qudao.portal.pages import (
    account,
    approvals,
    basket,
    basket_keep,
    counted,
    decided,
    desk,
    desk_edit,
    desk_file,
    help,
    home,
    insight,
    mailed,
    many,
    quality,
    scan,
    search,
    shop,
)

routes = [
    *home.routes, *insight.routes, *desk.routes, *desk_edit.routes, *desk_file.routes, *account.routes, *approvals.routes, *many.routes, *decided.routes,
    *mailed.routes, *counted.routes, *quality.routes, *search.routes, *scan.routes, *help.routes, *shop.routes, *basket.routes, *basket_keep.routes,
]  # fmt: skip
