// Hotels. Run by hotel_node.py, which holds the labels: node hotel_node.mjs PREFIX, with PG* variables and NODE_FOLDER.
import { createRequire } from "node:module";
const require = createRequire(process.env.NODE_FOLDER + "/");
const { Sequelize, DataTypes, Op } = require("sequelize");
const { MikroORM, EntitySchema } = require("@mikro-orm/postgresql");
const postgres = require("postgres");
const pg = require("pg");

const prefix = process.argv[2];
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const { PGHOST: host, PGUSER: user, PGDATABASE: database } = process.env;

function sequelize(name) {
  const db = new Sequelize(database, user, "", {
    host, dialect: "postgres", logging: false, pool: { max: 5 }, dialectOptions: { application_name: prefix + name },
  });
  const text = DataTypes.TEXT, int = DataTypes.INTEGER;
  const Hotel = db.define("Hotel", { name: text, city: text });
  const Room = db.define("Room", { number: int });
  const Guest = db.define("Guest", { name: text, email: text });
  const Stay = db.define("Stay", { nights: int });
  const Amenity = db.define("Amenity", { label: text });
  const Job = db.define("Job", { kind: text, done: DataTypes.BOOLEAN });
  Hotel.hasMany(Room, { foreignKey: "hotelId" }); Room.belongsTo(Hotel, { foreignKey: "hotelId" });
  Room.hasMany(Stay, { foreignKey: "roomId" }); Stay.belongsTo(Room, { foreignKey: "roomId" });
  Guest.hasMany(Stay, { foreignKey: "guestId" }); Stay.belongsTo(Guest, { foreignKey: "guestId" });
  Guest.belongsTo(Guest, { as: "inviter", foreignKey: "invitedById" });
  Hotel.belongsToMany(Amenity, { through: "HotelAmenities" }); Amenity.belongsToMany(Hotel, { through: "HotelAmenities" });
  return { db, Hotel, Room, Guest, Stay, Amenity, Job, close: () => db.close() };
}

const id = { primary: true, type: "number" };
const Hotel = new EntitySchema({
  name: "Hotel", tableName: "Hotels",
  properties: { id, name: { type: "string" }, city: { type: "string" }, rooms: { kind: "1:m", entity: "Room", mappedBy: "hotel" } },
});
const Room = new EntitySchema({
  name: "Room", tableName: "Rooms",
  properties: {
    id, number: { type: "number" }, hotel: { kind: "m:1", entity: "Hotel", fieldName: "hotelId" },
    stays: { kind: "1:m", entity: "Stay", mappedBy: "room" },
  },
});
const Guest = new EntitySchema({
  name: "Guest", tableName: "Guests", properties: { id, name: { type: "string" }, email: { type: "string" } },
});
const Stay = new EntitySchema({
  name: "Stay", tableName: "Stays",
  properties: {
    id, nights: { type: "number" }, room: { kind: "m:1", entity: "Room", fieldName: "roomId" },
    guest: { kind: "m:1", entity: "Guest", fieldName: "guestId" },
  },
});
async function mikro(name) {
  const orm = await MikroORM.init({
    host, user, dbName: database, entities: [Hotel, Room, Guest, Stay], pool: { min: 0, max: 4 },
    driverOptions: { connection: { application_name: prefix + name } },
  });
  return { em: () => orm.em.fork(), close: () => orm.close() };
}

function tagged(name) {
  const sql = postgres({ host, user, database, max: 4, connection: { application_name: prefix + name } });
  return { sql, close: () => sql.end() };
}

function plain(name) {
  const pool = new pg.Pool({ host, user, database, max: 4, application_name: prefix + name });
  return { pool, close: () => pool.end() };
}

const cases = {
  async sequelize_rooms({ Hotel }) {
    for (const hotel of await Hotel.findAll({ limit: 8, order: ["id"] })) await hotel.getRooms();
  },
  async sequelize_hotel({ Room }) {
    for (const room of await Room.findAll({ where: { number: { [Op.lte]: 7 } } })) await room.getHotel();
  },
  async sequelize_amenities({ Hotel }) {
    for (const hotel of await Hotel.findAll({ where: { city: "city 3" } })) await hotel.getAmenities();
  },
  async sequelize_counted({ Hotel }) {
    for (const hotel of await Hotel.findAll({ limit: 9 })) await hotel.countRooms();
  },
  async sequelize_inviters({ Guest }) {
    await Promise.all((await Guest.findAll({ where: { id: { [Op.gt]: 288 } } })).map((guest) => guest.getInviter()));
  },
  async sequelize_by_pk({ Stay, Guest }) {
    for (const stay of await Stay.findAll({ limit: 10, order: [["id", "DESC"]], raw: true })) await Guest.findByPk(stay.guestId);
  },
  async sequelize_deep({ Hotel, Stay }) {
    for (const hotel of await Hotel.findAll({ limit: 5, order: ["name"] }))
      for (const room of await hotel.getRooms()) await Stay.findAll({ where: { roomId: room.id }, order: [["id", "DESC"]], limit: 1 });
  },
  async sequelize_reload({ Room }) {
    for (const room of await Room.findAll({ limit: 6 })) await room.reload();
  },
  async sequelize_save({ Job }) {
    for (const job of await Job.findAll({ limit: 7, order: ["id"] })) { job.kind = "mail " + Date.now() + Math.random(); await job.save(); }
  },
  async sequelize_in_transaction({ db, Job }) {
    await db.transaction(async (transaction) => {
      for (let n = 0; n < 8; n++) await Job.create({ kind: "new", done: true }, { transaction });
    });
  },
  async mikro_init({ em }) {
    for (const hotel of await em().find("Hotel", {}, { limit: 8, orderBy: { id: 1 } })) await hotel.rooms.init();
  },
  async mikro_reference({ em }) {
    const here = em();
    for (const stay of await here.find("Stay", { nights: 3 }, { limit: 9, orderBy: { id: 1 } })) await here.findOne("Guest", stay.guest.id);
  },
  async mikro_load({ em }) {
    const here = em();
    for (const room of await here.find("Room", { number: { $lt: 9 } })) await here.refresh(room.hotel);
  },
  async tagged_guests({ sql }) {
    for (const stay of await sql`SELECT id, "guestId" FROM "Stays" ORDER BY id LIMIT 9`)
      await sql`SELECT name FROM "Guests" WHERE id = ${stay.guestId}`;
  },
  async tagged_rooms({ sql }) {
    await sql.begin(async (sql) => {
      for (const hotel of await sql`SELECT id, name FROM "Hotels" WHERE city = ${"city 5"}`)
        for (const room of await sql`SELECT id, number FROM "Rooms" WHERE "hotelId" = ${hotel.id}`)
          await sql`SELECT count(*) FROM "Stays" WHERE "roomId" = ${room.id}`;
    });
  },
  async tagged_at_once({ sql }) {
    const hotels = await sql`SELECT id, name FROM "Hotels" WHERE id > ${40} LIMIT 12`;
    await Promise.all(hotels.map((hotel) => sql`SELECT number FROM "Rooms" WHERE "hotelId" = ${hotel.id}`));
  },
  async tagged_ids({ sql }) {
    for (const number of [5, 12, 33, 8, 41, 22]) await sql`SELECT name, city FROM "Hotels" WHERE id = ${number}`;
  },
  async pg_stays({ pool }) {
    const { rows } = await pool.query('SELECT id, name FROM "Guests" WHERE id <= 10');
    for (const guest of rows) await pool.query('SELECT * FROM "Stays" WHERE "guestId" = $1', [guest.id]);
  },
  async pg_express({ pool }) {
    // Twelve requests of three clients; each lists the rooms of a hotel and who stayed in each.
    const client = async (number) => {
      for (let turn = 0; turn < 4; turn++) {
        const { rows } = await pool.query('SELECT id, number FROM "Rooms" WHERE "hotelId" = $1', [number * 9 + turn + 1]);
        for (const room of rows) await pool.query('SELECT "guestId", nights FROM "Stays" WHERE "roomId" = $1', [room.id]);
        await sleep(10 + number * 3);
      }
    };
    await Promise.all([1, 2, 3].map(client));
  },
  async sequelize_include({ Hotel, Room, Amenity }) {
    await Hotel.findAll({ include: [Room, Amenity], order: ["id"] });
  },
  async sequelize_separate({ Hotel, Room }) {
    for (let n = 0; n < 6; n++) await Hotel.findAll({ where: { city: "city " + n }, include: [{ model: Room, separate: true }] });
  },
  async sequelize_pages({ Guest }) {
    for (let page = 0; page < 7; page++) await Guest.findAll({ order: ["name"], limit: 20, offset: page * 20 });
  },
  async sequelize_bulk({ Job }) {
    await Job.bulkCreate(Array.from({ length: 40 }, () => ({ kind: "bulk", done: true })));
  },
  async sequelize_find_or_create({ Guest }) {
    for (let n = 0; n < 7; n++) await Guest.findOrCreate({ where: { email: `${Math.random()}@hotel.org` }, defaults: { name: "new" } });
  },
  async mikro_populated({ em }) {
    await em().find("Hotel", {}, { populate: ["rooms", "rooms.stays"], limit: 10 });
  },
  async mikro_unit_of_work({ em }) {
    const here = em();
    for (const guest of await here.find("Guest", { id: { $lt: 12 } })) guest.name = "guest " + Math.random();
    await here.flush();
  },
  async tagged_cursor({ sql }) {
    await sql`SELECT id FROM "Stays"`.cursor(200, () => {});
  },
  async tagged_any({ sql }) {
    for (let n = 0; n < 7; n++) {
      const ids = Array.from({ length: 8 }, (_, k) => n * 8 + k + 1);
      await sql`SELECT number FROM "Rooms" WHERE "hotelId" IN ${sql(ids)}`;
    }
  },
  async pg_worker({ pool }) {
    const client = await pool.connect();
    for (let n = 0; n < 8; n++) {
      await client.query("BEGIN");
      const { rows } = await client.query('SELECT id FROM "Jobs" WHERE NOT done ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED');
      await client.query('UPDATE "Jobs" SET done = true WHERE id = $1', [rows[0].id]);
      await client.query("COMMIT");
    }
    client.release();
  },
  async pg_poll({ pool }) {
    for (let n = 0; n < 9; n++) { await pool.query("SELECT count(*) FROM \"Jobs\" WHERE kind = 'alarm'"); await sleep(45); }
  },
  async pg_traffic({ pool }) {
    // Four clients open the page of one room.
    const client = async (number) => {
      for (let turn = 0; turn < 9; turn++) {
        const id = number * 40 + turn * 3 + 1;
        const { rows } = await pool.query('SELECT id, number, "hotelId" FROM "Rooms" WHERE id = $1', [id]);
        await pool.query('SELECT name FROM "Hotels" WHERE id = $1', [rows[0].hotelId]);
        await pool.query('SELECT "guestId", nights FROM "Stays" WHERE "roomId" = $1', [id]);
        await sleep((number * 7 + turn * 5) % 23);
      }
    };
    await Promise.all([1, 2, 3, 4].map(client));
  },
};

const openers = { sequelize, mikro, tagged, pg: plain };
const once = new Set(["sequelize_hotel", "sequelize_counted", "sequelize_deep", "mikro_init", "tagged_guests", "pg_express", "pg_traffic"]);
for (const [name, run] of Object.entries(cases)) {
  const opened = await openers[name.split("_")[0]](name);
  for (let n = 0; n < (once.has(name) ? 1 : 3); n++) { await run(opened); await sleep(300); }
  await opened.close();
}
process.exit(0);
