// Sequelize 6, Objection 3 (knex) and bare pg. Run by node_orms.py: node node_orms.mjs <prefix>, with PG* variables set.
import { createRequire } from "node:module";
const require = createRequire(process.env.NODE_FOLDER + "/");
const { Sequelize, DataTypes } = require("sequelize");
const { Model, knexSnakeCaseMappers } = require("objection");
const Knex = require("knex");
const pg = require("pg");

const prefix = process.argv[2];
const host = process.env.PGHOST, user = process.env.PGUSER, database = process.env.PGDATABASE;
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

function sequelize(name) {
  const db = new Sequelize(database, user, "", {
    host, dialect: "postgres", logging: false, pool: { max: 4 }, dialectOptions: { application_name: prefix + name },
    define: { timestamps: false, underscored: true },
  });
  const Publisher = db.define("Publisher", { name: DataTypes.TEXT }, { tableName: "publishers" });
  const Author = db.define("Author", { name: DataTypes.TEXT, slug: DataTypes.TEXT }, { tableName: "authors" });
  const Book = db.define("Book", { title: DataTypes.TEXT }, { tableName: "books" });
  const Review = db.define("Review", { stars: DataTypes.INTEGER }, { tableName: "reviews" });
  const Tag = db.define("Tag", { name: DataTypes.TEXT }, { tableName: "tags" });
  const Reading = db.define("Reading", { sensor: DataTypes.INTEGER, value: DataTypes.FLOAT }, { tableName: "readings" });
  Book.belongsTo(Publisher, { as: "publisher", foreignKey: "publisher_id" });
  Book.belongsTo(Author, { as: "author", foreignKey: "author_id" });
  Author.hasMany(Book, { as: "books", foreignKey: "author_id" });
  Book.hasMany(Review, { as: "reviews", foreignKey: "book_id" });
  Book.belongsToMany(Tag, { as: "tags", through: "book_tags", foreignKey: "book_id", otherKey: "tag_id", timestamps: false });
  return { db, Publisher, Author, Book, Review, Tag, Reading, close: () => db.close() };
}

function objection(name) {
  const knex = Knex({
    client: "pg", connection: { host, user, database, application_name: prefix + name }, pool: { min: 0, max: 4 },
  });
  class Publisher extends Model { static tableName = "publishers"; }
  class Review extends Model { static tableName = "reviews"; }
  class Book extends Model {
    static tableName = "books";
    static relationMappings = {
      publisher: { relation: Model.BelongsToOneRelation, modelClass: Publisher, join: { from: "books.publisher_id", to: "publishers.id" } },
      reviews: { relation: Model.HasManyRelation, modelClass: Review, join: { from: "books.id", to: "reviews.book_id" } },
    };
  }
  for (const model of [Publisher, Review, Book]) model.knex(knex);
  return { knex, Publisher, Review, Book, close: () => knex.destroy() };
}

function bare(name) {
  const pool = new pg.Pool({ host, user, database, application_name: prefix + name, max: 4 });
  return { pool, close: () => pool.end() };
}

const cases = [
  ["sequelize_to_one", sequelize, async ({ Book }) => {
    for (const book of await Book.findAll({ limit: 20 })) await book.getPublisher();
  }],
  ["sequelize_to_many", sequelize, async ({ Book }) => {
    for (const book of await Book.findAll({ limit: 15 })) await book.getReviews();
  }],
  ["sequelize_many_to_many", sequelize, async ({ Book }) => {
    for (const book of await Book.findAll({ limit: 15 })) await book.getTags();
  }],
  ["sequelize_nested", sequelize, async ({ Author }) => {
    for (const author of await Author.findAll({ limit: 6 }))
      for (const book of await author.getBooks()) await book.getReviews();
  }],
  ["sequelize_parallel", sequelize, async ({ Book }) => {
    const books = await Book.findAll({ limit: 20 });
    await Promise.all(books.map((book) => book.getReviews()));
  }],
  ["sequelize_count", sequelize, async ({ Book }) => {
    for (const book of await Book.findAll({ limit: 15 })) await book.countReviews();
  }],
  ["sequelize_create_each", sequelize, async ({ Reading }) => {
    for (let n = 0; n < 10; n++) await Reading.create({ sensor: n, value: 1.5 });
  }],
  ["objection_to_one", objection, async ({ Book }) => {
    for (const book of await Book.query().orderBy("id").limit(20)) await book.$relatedQuery("publisher");
  }],
  ["objection_to_many", objection, async ({ Book }) => {
    for (const book of await Book.query().orderBy("id").limit(15)) await book.$relatedQuery("reviews");
  }],
  ["objection_fetch_graph_each", objection, async ({ Book }) => {
    for (const book of await Book.query().limit(10)) await book.$fetchGraph("reviews");
  }],
  ["objection_find_by_id_loop", objection, async ({ Book }) => {
    for (const key of [3, 1, 4, 15, 9, 26]) await Book.query().findById(key);
  }],
  ["pg_to_one", bare, async ({ pool }) => {
    const client = await pool.connect();
    const { rows } = await client.query("SELECT id, title, publisher_id FROM books ORDER BY id LIMIT 20");
    for (const row of rows) await client.query("SELECT name FROM publishers WHERE id = $1", [row.publisher_id]);
    client.release();
  }],
  ["sequelize_include", sequelize, async ({ Book }) => { await Book.findAll({ include: ["publisher", "reviews"], limit: 20 }); }],
  ["sequelize_bulk_create", sequelize, async ({ Reading }) => {
    await Reading.bulkCreate([...Array(100).keys()].map((n) => ({ sensor: n, value: 2.5 })));
  }],
  ["sequelize_pages", sequelize, async ({ Book }) => {
    for (let page = 0; page < 8; page++) await Book.findAll({ order: ["id"], limit: 20, offset: page * 20 });
  }],
  ["objection_with_graph", objection, async ({ Book }) => { await Book.query().limit(30).withGraphFetched("[publisher, reviews]"); }],
  ["pg_visitors", bare, async ({ pool }) => {
    await Promise.all([...Array(25).keys()].map((n) => pool.query("SELECT title FROM books WHERE id = $1", [n])));
  }],
  ["pg_worker", bare, async ({ pool }) => {
    const client = await pool.connect();
    for (let n = 0; n < 8; n++) {
      await client.query("BEGIN");
      const { rows } = await client.query("SELECT id FROM jobs WHERE state = 'queued' LIMIT 1 FOR UPDATE SKIP LOCKED");
      await client.query("UPDATE jobs SET state = 'done' WHERE id = $1", [rows[0].id]);
      await client.query("COMMIT");
    }
    client.release();
  }],
];

for (const [name, open, run] of cases) {
  const opened = open(name);
  for (let time = 0; time < 4; time++) {
    await run(opened);
    await sleep(300);
  }
  await opened.close();
}
