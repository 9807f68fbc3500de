// The five roles, and who may see which page. Pages that depend on what is there are found by links (walk.mjs).

export const PASSWORD = process.env.AUDITLOG_BROWSER_PASSWORD ?? "";

export const ADMINISTRATOR = "demo_administrator";
export const ANALYST = "demo_analyst";
export const COMPLIANCE = "demo_compliance";
export const MANAGER = "demo_manager";
export const USER = "demo_user";
export const EVERYBODY = [ADMINISTRATOR, ANALYST, COMPLIANCE, MANAGER, USER];
const ALL_SEEING = [ADMINISTRATOR, ANALYST, COMPLIANCE];
const REPORTERS = [ADMINISTRATOR, COMPLIANCE];
const ADMINISTRATORS = [ADMINISTRATOR];

/** Path, who may see it, and the status where it is not 200. */
export const PAGES = [
  ["/", EVERYBODY],
  ["/?range=30d", EVERYBODY],
  ["/search?range=30d", EVERYBODY],
  ["/search?range=30d&q=status%3A(", EVERYBODY, 400],
  ["/search?range=30d&q=event_type%3Anone.such", EVERYBODY],
  ["/search?range=all&q=status%3Afailed&order=oldest&cols=time,actor,ip,region,resource,type&limit=25", EVERYBODY],
  ["/events/evt_browser_rich", EVERYBODY.filter((role) => role !== MANAGER), 200, 404],
  ["/events/evt_browser_hostile", EVERYBODY.filter((role) => role !== MANAGER), 200, 404],
  ["/events?id=evt_browser_rich", EVERYBODY.filter((role) => role !== MANAGER), 200, 404],
  ["/events/none", EVERYBODY, 404],
  ["/live", EVERYBODY],
  ["/live?q=status%3A(", EVERYBODY, 400],
  ["/live?q=status%3Afailed&types=authentication.*", EVERYBODY],
  ["/help/query", EVERYBODY],
  ["/integrity", ALL_SEEING],
  ["/alerts", ALL_SEEING],
  ["/alerts/1", ALL_SEEING],
  ["/alerts/3", ALL_SEEING],
  ["/alerts/new", ADMINISTRATORS],
  ["/alerts/new?as=yaml", ADMINISTRATORS],
  ["/alerts/1/edit", ADMINISTRATORS],
  ["/reports", REPORTERS],
  ["/reports/1", REPORTERS],
  ["/admin", ADMINISTRATORS],
  ["/admin/retention", ADMINISTRATORS],
  ["/admin/retention?at=2028-01-01T00:00", ADMINISTRATORS],
  ["/admin/holds", ADMINISTRATORS],
  ["/admin/sinks", ADMINISTRATORS],
  ["/admin/channels", ADMINISTRATORS],
  ["/admin/jobs", ADMINISTRATORS],
  ["/admin/principals", ADMINISTRATORS],
  ["/admin/tokens", EVERYBODY],
  ["/nowhere", EVERYBODY, 404],
].map(([path, who, status = 200, refused = 403]) => ({ path, who, status, refused }));
