// Node-RED without its editor: only the flow, on the port of the comparison.
module.exports = {
  uiHost: "127.0.0.1",
  uiPort: Number(process.env.BENCH_PORT),
  disableEditor: true,
  httpAdminRoot: false,
  credentialSecret: false,
  diagnostics: { enabled: false, ui: false },
  logging: { console: { level: "warn", metrics: false, audit: false } },
};
