// Says the reader's time zone, so that the next page shows times in it.

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const cookie = `billhook-zone=${zone}`;
if (zone && !document.cookie.split("; ").includes(cookie)) {
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `${cookie}; path=/; max-age=31536000; samesite=lax${secure}`;
}
