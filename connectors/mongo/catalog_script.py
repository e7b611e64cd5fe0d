"""``advisor script mongodb``: what mongosh runs where no connection can be had."""

from __future__ import annotations

SCRIPT = """\
const out = {server: {version: db.version()}, database: db.getName(), collections: {}};
for (const c of db.getCollectionInfos({type: {$ne: "view"}})) {
  if (c.name.startsWith("system.")) continue;
  const own = {options: c.options, type: c.type, indexes: db[c.name].getIndexes(), index_stats: [], stats: {}};
  const stats = [{$collStats: {storageStats: {}, latencyStats: {}}}];
  try { own.stats = db[c.name].aggregate(stats).toArray()[0] } catch (e) {}
  try { own.index_stats = db[c.name].aggregate([{$indexStats: {}}]).toArray() } catch (e) {}
  out.collections[c.name] = own;
}
print(EJSON.stringify(out, null, 1));
"""
"""A script for mongosh; it only reads, and needs the roles read and clusterMonitor."""
HOW = "advisor script mongodb > catalog.js; mongosh --quiet URL catalog.js > catalog.json"
"""For a reader: how its output becomes a file for --schema."""
