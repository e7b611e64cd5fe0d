-- A shop in Spanish; the references to customers are declared, the others are not.
CREATE TABLE cliente (id serial PRIMARY KEY, nombre text NOT NULL, correo text NOT NULL UNIQUE, ciudad_id int NOT NULL);
CREATE TABLE ciudad (id serial PRIMARY KEY, nombre text NOT NULL);
CREATE TABLE pedido (
    id serial PRIMARY KEY, cliente_id int NOT NULL REFERENCES cliente, vendedor_id int NOT NULL, fecha date NOT NULL,
    estado text NOT NULL);
CREATE INDEX ON pedido (cliente_id);
CREATE TABLE empleado (id serial PRIMARY KEY, nombre text NOT NULL, jefe_id int);
CREATE TABLE linea (id serial PRIMARY KEY, pedido_id int NOT NULL, articulo_ref text NOT NULL, cantidad int NOT NULL);
CREATE INDEX ON linea (pedido_id);
CREATE TABLE articulo (ref text PRIMARY KEY, titulo text NOT NULL, precio int NOT NULL);
CREATE TABLE categoria (id serial PRIMARY KEY, nombre text NOT NULL);
CREATE TABLE articulo_categoria (articulo_ref text NOT NULL, categoria_id int NOT NULL, PRIMARY KEY (articulo_ref, categoria_id));
CREATE TABLE aviso (id serial PRIMARY KEY, texto text NOT NULL, enviado boolean NOT NULL DEFAULT false);
INSERT INTO ciudad (nombre) SELECT 'ciudad ' || n FROM generate_series(1, 30) AS n;
INSERT INTO cliente (nombre, correo, ciudad_id) SELECT 'cliente ' || n, 'c' || n || '@example.org', n * 7 % 30 + 1 FROM generate_series(1, 200) AS n;
INSERT INTO empleado (nombre, jefe_id) SELECT 'empleado ' || n, CASE WHEN n > 5 THEN n % 5 + 1 END FROM generate_series(1, 40) AS n;
INSERT INTO pedido (cliente_id, vendedor_id, fecha, estado)
SELECT n % 200 + 1, n * 3 % 40 + 1, date '2026-01-01' + n % 300, 'nuevo' FROM generate_series(1, 800) AS n;
INSERT INTO articulo SELECT 'A-' || n, 'articulo ' || n, n FROM generate_series(1, 150) AS n;
INSERT INTO linea (pedido_id, articulo_ref, cantidad) SELECT n % 800 + 1, 'A-' || n * 11 % 150 + 1, n % 4 FROM generate_series(1, 3000) AS n;
INSERT INTO categoria (nombre) SELECT 'categoria ' || n FROM generate_series(1, 20) AS n;
INSERT INTO articulo_categoria SELECT 'A-' || n % 150 + 1, n % 19 + 1 FROM generate_series(1, 400) AS n ON CONFLICT DO NOTHING;
INSERT INTO aviso (texto) SELECT 'aviso ' || n FROM generate_series(1, 60) AS n;
ANALYZE;
