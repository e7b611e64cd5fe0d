-- Keys, foreign keys and indexes, after the data. The planted index faults are marked; all else serves the workload.

-- step: primary keys
ALTER TABLE countries ADD PRIMARY KEY (code);
ALTER TABLE settings ADD PRIMARY KEY (key);
ALTER TABLE warehouses ADD PRIMARY KEY (id);
ALTER TABLE customers ADD PRIMARY KEY (id), ADD CONSTRAINT uq_customers_email UNIQUE (email);
ALTER TABLE addresses ADD PRIMARY KEY (id);
ALTER TABLE sessions ADD PRIMARY KEY (id), ADD CONSTRAINT uq_sessions_token UNIQUE (token);
ALTER TABLE categories ADD PRIMARY KEY (id);
ALTER TABLE products ADD PRIMARY KEY (id), ADD CONSTRAINT uq_products_sku UNIQUE (sku);
ALTER TABLE product_images ADD PRIMARY KEY (product_id, position);
ALTER TABLE tags ADD PRIMARY KEY (id), ADD CONSTRAINT uq_tags_name UNIQUE (name);
ALTER TABLE product_tags ADD PRIMARY KEY (product_id, tag_id);
ALTER TABLE coupons ADD PRIMARY KEY (id), ADD CONSTRAINT uq_coupons_code UNIQUE (code);
ALTER TABLE orders ADD PRIMARY KEY (id);
ALTER TABLE order_items ADD PRIMARY KEY (order_id, line_no);
ALTER TABLE payments ADD PRIMARY KEY (id), ADD CONSTRAINT uq_payments_provider_reference UNIQUE (provider_reference);
ALTER TABLE shipments ADD PRIMARY KEY (id);
ALTER TABLE reviews ADD PRIMARY KEY (id);
ALTER TABLE carts ADD PRIMARY KEY (id);
ALTER TABLE inventory_movements ADD PRIMARY KEY (id);
ALTER TABLE audit_events ADD PRIMARY KEY (id);
ALTER TABLE jobs ADD PRIMARY KEY (id);

-- step: foreign keys
ALTER TABLE addresses
    ADD CONSTRAINT fk_addresses_customer FOREIGN KEY (customer_id) REFERENCES customers ON DELETE CASCADE,
    ADD CONSTRAINT fk_addresses_country FOREIGN KEY (country_code) REFERENCES countries;
ALTER TABLE sessions ADD CONSTRAINT fk_sessions_customer FOREIGN KEY (customer_id) REFERENCES customers ON DELETE CASCADE;
ALTER TABLE categories ADD CONSTRAINT fk_categories_parent FOREIGN KEY (parent_id) REFERENCES categories;
ALTER TABLE products ADD CONSTRAINT fk_products_category FOREIGN KEY (category_id) REFERENCES categories;
ALTER TABLE product_images ADD CONSTRAINT fk_product_images_product FOREIGN KEY (product_id) REFERENCES products;
ALTER TABLE product_tags
    ADD CONSTRAINT fk_product_tags_product FOREIGN KEY (product_id) REFERENCES products,
    ADD CONSTRAINT fk_product_tags_tag FOREIGN KEY (tag_id) REFERENCES tags;
ALTER TABLE orders
    ADD CONSTRAINT fk_orders_customer FOREIGN KEY (customer_id) REFERENCES customers ON DELETE SET NULL,
    ADD CONSTRAINT fk_orders_shipping_address FOREIGN KEY (shipping_address_id) REFERENCES addresses ON DELETE SET NULL,
    ADD CONSTRAINT fk_orders_coupon FOREIGN KEY (coupon_id) REFERENCES coupons;
ALTER TABLE order_items
    ADD CONSTRAINT fk_order_items_order FOREIGN KEY (order_id) REFERENCES orders ON DELETE CASCADE,
    ADD CONSTRAINT fk_order_items_product FOREIGN KEY (product_id) REFERENCES products;
ALTER TABLE payments ADD CONSTRAINT fk_payments_order FOREIGN KEY (order_id) REFERENCES orders;
ALTER TABLE shipments ADD CONSTRAINT fk_shipments_order FOREIGN KEY (order_id) REFERENCES orders;
ALTER TABLE reviews
    ADD CONSTRAINT fk_reviews_product FOREIGN KEY (product_id) REFERENCES products,
    ADD CONSTRAINT fk_reviews_customer FOREIGN KEY (customer_id) REFERENCES customers ON DELETE CASCADE;
ALTER TABLE carts ADD CONSTRAINT fk_carts_customer FOREIGN KEY (customer_id) REFERENCES customers ON DELETE CASCADE;
ALTER TABLE inventory_movements
    ADD CONSTRAINT fk_inventory_movements_product FOREIGN KEY (product_id) REFERENCES products,
    ADD CONSTRAINT fk_inventory_movements_warehouse FOREIGN KEY (warehouse_id) REFERENCES warehouses;

-- step: indexes
CREATE INDEX ix_addresses_customer_id ON addresses (customer_id);
CREATE INDEX ix_products_category_id_published_at ON products (category_id, published_at);
CREATE INDEX ix_product_tags_tag_id_product_id ON product_tags (tag_id, product_id);
CREATE INDEX ix_orders_customer_id_placed_at ON orders (customer_id, placed_at);
CREATE INDEX ix_orders_shipping_address_id ON orders (shipping_address_id);
CREATE INDEX ix_orders_coupon_id ON orders (coupon_id);
CREATE INDEX ix_orders_placed_at ON orders (placed_at);
CREATE INDEX ix_payments_order_id ON payments (order_id);
CREATE INDEX ix_shipments_order_id ON shipments (order_id);
CREATE INDEX ix_reviews_product_id_created_at ON reviews (product_id, created_at);
CREATE INDEX ix_reviews_customer_id ON reviews (customer_id);
CREATE INDEX ix_reviews_created_at ON reviews (created_at);
CREATE INDEX ix_carts_customer_id ON carts (customer_id);
CREATE INDEX ix_jobs_queued ON jobs (id) WHERE status = 'queued';

-- step: planted index faults
CREATE INDEX ix_inventory_movements_moved_at_product_id ON inventory_movements (moved_at, product_id); -- order: wrong for one product
CREATE INDEX ix_order_items_unit_price_cents ON order_items (unit_price_cents);                        -- never used
CREATE INDEX ix_payments_order ON payments (order_id);                                                 -- exact duplicate
CREATE INDEX ix_orders_customer_id ON orders (customer_id);                                            -- prefix of another
