-- The indexes that a person who knows the workload would add. They change nothing else: N+1 loops and the spilling sort remain.
CREATE INDEX fix_shipments_tracking_number ON shipments (tracking_number);
CREATE INDEX fix_payments_captured_at ON payments (captured_at);
CREATE INDEX fix_audit_events_entity ON audit_events (entity_type, entity_id, created_at);
CREATE INDEX fix_customers_lower_email ON customers (lower(email));
CREATE INDEX fix_carts_open_updated_at ON carts (updated_at) WHERE deleted_at IS NULL;
CREATE INDEX fix_orders_status_placed_at ON orders (status, placed_at);
CREATE INDEX fix_order_items_product_id ON order_items (product_id);
CREATE INDEX fix_sessions_customer_id ON sessions (customer_id);
CREATE INDEX fix_inventory_movements_product_id_moved_at ON inventory_movements (product_id, moved_at);
