// A forum. Run by forum_node.py, which holds the labels: node forum_node.mjs PREFIX, with PG* variables and NODE_FOLDER.
import { createRequire } from "node:module";
const require = createRequire(process.env.NODE_FOLDER + "/");
require("reflect-metadata");
const { PrismaClient } = require("./forum_node/generated/index.js");
const { PrismaPg } = require("@prisma/adapter-pg");
const { DataSource, EntitySchema } = require("typeorm");
const { drizzle } = require("drizzle-orm/node-postgres");
const { relations, eq, asc, inArray, sql } = require("drizzle-orm");
const { pgTable, uuid, text, bigserial, timestamp } = require("drizzle-orm/pg-core");
const { Kysely, PostgresDialect } = require("kysely");
const { graphql, GraphQLSchema, GraphQLObjectType, GraphQLList, GraphQLString, GraphQLInt } = require("graphql");
const DataLoader = require("dataloader");
const pg = require("pg");

const prefix = process.argv[2];
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const key = (kind, n) => `0000000${kind}-0000-4000-8000-${String(n).padStart(12, "0")}`;
const connection = (name) => ({
  host: process.env.PGHOST, user: process.env.PGUSER, database: process.env.PGDATABASE, application_name: prefix + name, max: 4,
});

function prisma(name) {
  const db = new PrismaClient({ adapter: new PrismaPg(connection(name)) });
  return { db, close: () => db.$disconnect() };
}

const column = (type, name, more = {}) => ({ type, name, ...more });
const one = (target, name, inverseSide) => ({ type: "many-to-one", target, joinColumn: { name }, lazy: true, inverseSide });
const entities = [
  new EntitySchema({ name: "Account", tableName: "Account", columns: { id: column("uuid", "id", { primary: true }), handle: column("text") } }),
  new EntitySchema({ name: "Board", tableName: "Board", columns: { id: column("uuid", "id", { primary: true }), name: column("text") } }),
  new EntitySchema({
    name: "Thread", tableName: "Thread", columns: { id: column("uuid", "id", { primary: true }), title: column("text"), lastPostId: column("uuid", "lastPostId") },
    relations: {
      board: one("Board", "boardId"), author: one("Account", "authorId"), lastPost: one("Post", "lastPostId"),
      posts: { type: "one-to-many", target: "Post", inverseSide: "thread", lazy: true },
    },
  }),
  new EntitySchema({
    name: "Post", tableName: "Post", columns: { id: column("uuid", "id", { primary: true }), body: column("text"), authorId: column("uuid", "authorId") },
    relations: { thread: one("Thread", "threadId", "posts") },
  }),
  new EntitySchema({
    name: "Outbox", tableName: "Outbox", columns: { id: { type: "bigint", primary: true, generated: true }, payload: column("text") },
  }),
];
async function typeorm(name) {
  const db = new DataSource({
    type: "postgres", host: process.env.PGHOST, username: process.env.PGUSER, database: process.env.PGDATABASE,
    applicationName: prefix + name, poolSize: 4, entities: entities,
  });
  await db.initialize();
  return { db, close: () => db.destroy() };
}

const Account = pgTable("Account", { id: uuid().primaryKey(), handle: text() });
const Thread = pgTable("Thread", { id: uuid().primaryKey(), title: text(), authorId: uuid(), boardId: uuid() });
const Post = pgTable("Post", { id: uuid().primaryKey(), body: text(), threadId: uuid(), authorId: uuid(), replyToId: uuid() });
const Reaction = pgTable("Reaction", { postId: uuid(), accountId: uuid(), kind: text() });
const Outbox = pgTable("Outbox", { id: bigserial({ mode: "number" }).primaryKey(), payload: text(), sentAt: timestamp({ withTimezone: true }) });
const threadRelations = relations(Thread, ({ one, many }) => ({
  author: one(Account, { fields: [Thread.authorId], references: [Account.id] }), posts: many(Post),
}));
const postRelations = relations(Post, ({ one }) => ({ thread: one(Thread, { fields: [Post.threadId], references: [Thread.id] }) }));
function drizzled(name) {
  const pool = new pg.Pool(connection(name));
  const db = drizzle({ client: pool, schema: { Account, Thread, Post, Reaction, threadRelations, postRelations } });
  return { db, pool, close: () => pool.end() };
}

function kysely(name) {
  const pool = new pg.Pool(connection(name));
  const db = new Kysely({ dialect: new PostgresDialect({ pool }) });
  return { db, pool, close: () => db.destroy() };
}

// GraphQL over Drizzle; a resolver asks for itself or through a loader.
const list = (of) => new GraphQLList(of);
const object = (name, fields) => new GraphQLObjectType({ name, fields });
const word = { type: GraphQLString };
const account = object("Account", { id: word, handle: word });
const reaction = object("Reaction", { kind: word });
const post = object("Post", () => ({
  id: word, body: word,
  author: { type: account, resolve: (it, _, { loaders }) => loaders.account.load(it.authorId) },
  reactions: { type: list(reaction), resolve: (it, _, { db }) => db.select().from(Reaction).where(eq(Reaction.postId, it.id)) },
}));
const thread = object("Thread", () => ({
  id: word, title: word,
  author: { type: account, resolve: async (it, _, { db }) => (await db.select().from(Account).where(eq(Account.id, it.authorId)).limit(1))[0] },
  loadedAuthor: { type: account, resolve: (it, _, { loaders }) => loaders.account.load(it.authorId) },
  posts: { type: list(post), resolve: (it, _, { db }) => db.select().from(Post).where(eq(Post.threadId, it.id)) },
}));
const board = object("Board", () => ({
  name: word,
  threads: { type: list(thread), args: { first: { type: GraphQLInt } },
    resolve: (it, { first }, { db }) => db.select().from(Thread).where(eq(Thread.boardId, it.id)).limit(first) },
}));
const Board = pgTable("Board", { id: uuid().primaryKey(), name: text() });
const schema = new GraphQLSchema({
  query: object("Query", {
    threads: { type: list(thread), args: { first: { type: GraphQLInt } },
      resolve: (_, { first }, { db }) => db.select().from(Thread).orderBy(asc(Thread.title)).limit(first) },
    posts: { type: list(post), args: { first: { type: GraphQLInt } },
      resolve: (_, { first }, { db }) => db.select().from(Post).orderBy(asc(Post.id)).limit(first) },
    boards: { type: list(board), resolve: (_, __, { db }) => db.select().from(Board).limit(6) },
  }),
});
async function ask({ db }, source) {
  const loaders = {
    account: new DataLoader(async (keys) => {
      const found = await db.select().from(Account).where(inArray(Account.id, [...new Set(keys)]));
      return keys.map((id) => found.find((row) => row.id === id));
    }),
  };
  const answer = await graphql({ schema, source, contextValue: { db, loaders } });
  if (answer.errors) throw answer.errors[0];
}

async function users(count, requests, work) {
  // Several users at once, each with pauses of 0 to 50 ms between requests.
  let chance = 7;
  const random = (top) => (chance = (chance * 1103515245 + 12345) % 2147483648) % top;
  await Promise.all([...Array(count).keys()].map(async () => {
    for (let n = 0; n < requests; n++) {
      await work(random(290) + 1);
      await sleep(random(50));
    }
  }));
}

const cases = [
  ["prisma_author", prisma, async ({ db }) => {
    for (const thread of await db.thread.findMany({ take: 20, orderBy: { title: "asc" } }))
      await db.account.findUnique({ where: { id: thread.authorId } });
  }],
  ["prisma_posts", prisma, async ({ db }) => {
    for (const thread of await db.thread.findMany({ take: 15, orderBy: { title: "asc" } }))
      await db.post.findMany({ where: { threadId: thread.id } });
  }],
  ["prisma_posts_at_once", prisma, async ({ db }) => {
    const threads = await db.thread.findMany({ take: 20, where: { boardId: key(2, 3) } });
    await Promise.all(threads.map((thread) => db.post.findMany({ where: { threadId: thread.id }, take: 3 })));
  }],
  ["prisma_count", prisma, async ({ db }) => {
    for (const thread of await db.thread.findMany({ take: 12 })) await db.post.count({ where: { threadId: thread.id } });
  }],
  ["prisma_labels", prisma, async ({ db }) => {
    for (const thread of await db.thread.findMany({ take: 12, orderBy: { id: "asc" } }))
      await db.label.findMany({ where: { threads: { some: { id: thread.id } } } });
  }],
  ["prisma_in_transaction", prisma, async ({ db }) => {
    await db.$transaction(async (tx) => {
      for (const thread of await tx.thread.findMany({ take: 6, orderBy: { id: "asc" } }))
        for (const post of await tx.post.findMany({ where: { threadId: thread.id } }))
          await tx.account.findUniqueOrThrow({ where: { id: post.authorId } });
    });
  }],
  ["prisma_update_each", prisma, async ({ db }) => {
    await db.$transaction(async (tx) => {
      for (const thread of await tx.thread.findMany({ where: { boardId: key(2, 5) } }))
        await tx.thread.update({ where: { id: thread.id }, data: { title: thread.title + "." } });
    });
  }],
  ["typeorm_lazy", typeorm, async ({ db }) => {
    for (const thread of await db.getRepository("Thread").find({ take: 12, order: { title: "ASC" } })) {
      await thread.board;
      await thread.posts;
    }
  }],
  ["typeorm_last_post", typeorm, async ({ db }) => {
    for (const thread of await db.getRepository("Thread").find({ take: 15 })) await thread.lastPost;
  }],
  ["typeorm_find_one_by", typeorm, async ({ db }) => {
    const posts = await db.getRepository("Post").createQueryBuilder("p").where("p.threadId = :id", { id: key(3, 9) }).getMany();
    const more = await db.getRepository("Post").createQueryBuilder("p").orderBy("p.id").limit(12).getMany();
    for (const post of more) await db.getRepository("Account").findOneBy({ id: post.authorId });
    return posts;
  }],
  ["typeorm_save_each", typeorm, async ({ db }) => {
    await db.transaction(async (tx) => {
      for (let n = 0; n < 9; n++) await tx.save("Outbox", { payload: `message ${n}` });
    });
  }],
  ["drizzle_reactions", drizzled, async ({ db }) => {
    for (const post of await db.select().from(Post).orderBy(asc(Post.id)).limit(15))
      await db.select().from(Reaction).where(eq(Reaction.postId, post.id));
  }],
  ["drizzle_answers", drizzled, async ({ db }) => {
    const below = async (id, depth) => {
      for (const answer of await db.select().from(Post).where(eq(Post.replyToId, id))) if (depth) await below(answer.id, depth - 1);
    };
    for (const start of await db.select().from(Post).where(eq(Post.threadId, key(3, 7)))) await below(start.id, 2);
  }],
  ["kysely_handles", kysely, async ({ db }) => {
    for (const n of [3, 1, 4, 15, 9, 26, 53, 58])  // mentioned in a text
      await db.selectFrom("Account").select(["id"]).where("handle", "=", `user${n}`).executeTakeFirst();
  }],
  ["graphql_thread_authors", drizzled, (it) => ask(it, "{ threads(first: 20) { title author { handle } } }")],
  ["graphql_half_loaded", drizzled, (it) => ask(it, "{ posts(first: 20) { body author { handle } reactions { kind } } }")],
  ["graphql_nested", drizzled, (it) => ask(it, "{ boards { name threads(first: 6) { title posts { body } } } }")],
  ["busy_front_page", drizzled, async ({ pool }) => users(4, 8, async (n) => {
    const client = await pool.connect();
    if (n % 3 === 0) {
      const { rows } = await client.query('SELECT id, title, "authorId" FROM "Thread" WHERE "boardId" = $1 LIMIT 10', [key(2, n % 12 + 1)]);
      for (const row of rows) await client.query('SELECT handle FROM "Account" WHERE id = $1', [row.authorId]);
    } else {
      await client.query('SELECT id, title, "authorId" FROM "Thread" WHERE id = $1', [key(3, n)]);
      await client.query('SELECT handle FROM "Account" WHERE id = $1', [key(1, n % 120 + 1)]);
    }
    client.release();
  })],
  ["prisma_include", prisma, async ({ db }) => {
    await db.thread.findMany({ take: 30, include: { author: true, posts: true, labels: true } });
  }],
  ["prisma_find_unique_in_one_tick", prisma, async ({ db }) => {
    await Promise.all([...Array(20).keys()].map((n) => db.account.findUnique({ where: { id: key(1, n + 1) } })));
  }],
  ["prisma_create_many", prisma, async ({ db }) => {
    await db.outbox.createMany({ data: [...Array(50).keys()].map((n) => ({ payload: `m${n}` })) });
  }],
  ["prisma_cursor", prisma, async ({ db }) => {
    let cursor;
    for (let page = 0; page < 8; page++) {
      const rows = await db.post.findMany({ take: 20, orderBy: { id: "asc" }, ...(cursor && { skip: 1, cursor: { id: cursor } }) });
      cursor = rows.at(-1).id;
    }
  }],
  ["typeorm_relations", typeorm, async ({ db }) => {
    await db.getRepository("Thread").find({ take: 20, relations: { board: true, posts: true } });
  }],
  ["drizzle_with", drizzled, async ({ db }) => {
    await db.query.Thread.findMany({ limit: 20, with: { author: true, posts: true } });
  }],
  ["drizzle_pages", drizzled, async ({ db }) => {
    for (let page = 0; page < 8; page++) await db.select().from(Post).orderBy(asc(Post.id)).limit(25).offset(page * 25);
  }],
  ["graphql_loaded", drizzled, (it) => ask(it, "{ threads(first: 30) { title loadedAuthor { handle } } }")],
  ["kysely_signup", kysely, async ({ db }) => {
    for (let n = 0; n < 9; n++) {
      const handle = `new${Math.random()}`;
      const taken = await db.selectFrom("Account").select("id").where("handle", "=", handle).limit(1).executeTakeFirst();
      if (!taken) await db.insertInto("Account").values({ id: crypto.randomUUID(), handle, joinedAt: new Date() }).execute();
    }
  }],
  ["busy_profiles", drizzled, async ({ db }) => users(4, 12, async (n) => {
    await db.select().from(Account).where(eq(Account.id, key(1, n % 120 + 1)));
    await db.select().from(Thread).where(eq(Thread.authorId, key(1, n % 120 + 1))).limit(5);
  })],
  ["kept_alive", drizzled, async ({ pool }) => {
    // One connection, one visitor after the other, with a look at the session first.
    const client = await pool.connect();
    for (const n of [5, 77, 21, 140, 9, 250, 33, 61, 18]) {
      await client.query('SELECT handle FROM "Account" WHERE handle = $1', [`user${n % 120}`]);
      await client.query('SELECT id, title FROM "Thread" WHERE id = $1', [key(3, n)]);
      await client.query('SELECT body FROM "Post" WHERE "threadId" = $1 ORDER BY id', [key(3, n)]);
      await sleep(n % 45);
    }
    client.release();
  }],
  ["relay", drizzled, async ({ db }) => {
    for (let n = 0; n < 8; n++) await db.transaction(async (tx) => {
      const [message] = await tx.select().from(Outbox).where(sql`"sentAt" IS NULL`).limit(1).for("update", { skipLocked: true });
      if (message) await tx.update(Outbox).set({ sentAt: new Date() }).where(eq(Outbox.id, message.id));
    });
  }],
];

for (const [name, open, run] of cases) {
  const opened = await open(name);
  for (let time = 0; time < 3; time++) {
    await run(opened);
    await sleep(300);
  }
  await opened.close();
}
