// An ERP on JPA and JDBC. Run by erp_eclipselink.py, which holds the labels: java Erp URL PREFIX
import java.io.Serializable;
import java.sql.*;
import java.util.*;
import javax.persistence.*;

public class Erp {
    @Entity @Table(name = "terms") public static class Terms {
        @Id String code;
        int days;
    }

    @Embeddable public static class CustomerKey implements Serializable {
        short company;
        @Column(name = "customer_no") int customerNo;
        public int hashCode() { return Objects.hash(company, customerNo); }
        public boolean equals(Object o) { return o instanceof CustomerKey && ((CustomerKey) o).company == company && ((CustomerKey) o).customerNo == customerNo; }
    }

    @Entity @Table(name = "customer") public static class Customer {
        @EmbeddedId CustomerKey key;
        String name;
        @ManyToOne @JoinColumn(name = "terms_code") Terms terms;
        @OneToMany(mappedBy = "customer") List<SalesOrder> orders;
    }

    @Embeddable public static class OrderKey implements Serializable {
        short company;
        @Column(name = "order_no") int orderNo;
        public int hashCode() { return Objects.hash(company, orderNo); }
        public boolean equals(Object o) { return o instanceof OrderKey && ((OrderKey) o).company == company && ((OrderKey) o).orderNo == orderNo; }
    }

    @Entity @Table(name = "sales_order") public static class SalesOrder {
        @EmbeddedId OrderKey key;
        String status;
        @Version int version;
        @ManyToOne @JoinColumns({
            @JoinColumn(name = "company", referencedColumnName = "company", insertable = false, updatable = false),
            @JoinColumn(name = "customer_no", referencedColumnName = "customer_no", insertable = false, updatable = false)}) Customer customer;
        @OneToMany(mappedBy = "order") List<OrderLine> lines;
    }

    public static class LineKey implements Serializable {
        public short company; public int orderNo; public int lineNo;
        public int hashCode() { return Objects.hash(company, orderNo, lineNo); }
        public boolean equals(Object o) { return o instanceof LineKey && ((LineKey) o).orderNo == orderNo && ((LineKey) o).lineNo == lineNo && ((LineKey) o).company == company; }
    }

    @Entity @Table(name = "order_line") @IdClass(LineKey.class) public static class OrderLine {
        @Id short company;
        @Id @Column(name = "order_no") int orderNo;
        @Id @Column(name = "line_no") int lineNo;
        int quantity;
        @ManyToOne @JoinColumns({
            @JoinColumn(name = "company", referencedColumnName = "company", insertable = false, updatable = false),
            @JoinColumn(name = "order_no", referencedColumnName = "order_no", insertable = false, updatable = false)}) SalesOrder order;
        @ManyToOne @JoinColumns({
            @JoinColumn(name = "company", referencedColumnName = "company", insertable = false, updatable = false),
            @JoinColumn(name = "item_no", referencedColumnName = "item_no", insertable = false, updatable = false)}) Item item;
    }

    public static class ItemKey implements Serializable {
        public short company; public String itemNo;
        public int hashCode() { return Objects.hash(company, itemNo); }
        public boolean equals(Object o) { return o instanceof ItemKey && ((ItemKey) o).itemNo.equals(itemNo) && ((ItemKey) o).company == company; }
    }

    @Entity @Table(name = "item") @IdClass(ItemKey.class) public static class Item {
        @Id short company;
        @Id @Column(name = "item_no") String itemNo;
        String unit;
    }

    @Entity @Table(name = "posting") public static class Posting {
        @Id @GeneratedValue(strategy = GenerationType.IDENTITY) @Column(name = "posting_id") int id;
        short company;
        @Column(name = "order_no") int orderNo;
        int cents;
    }

    interface Work { void run(EntityManager em, Connection c) throws Exception; }

    static <T> List<T> list(EntityManager em, Class<T> of, String query, int limit) {
        return em.createQuery(query, of).setMaxResults(limit).getResultList();
    }

    static final Map<String, Work> CASES = new LinkedHashMap<>();
    static {
        CASES.put("orders_eager_customer", (em, c) -> list(em, SalesOrder.class, "SELECT o FROM Erp$SalesOrder o WHERE o.key.company = 1 ORDER BY o.key.orderNo", 20));
        CASES.put("customers_eager_terms", (em, c) -> list(em, Customer.class, "SELECT c FROM Erp$Customer c WHERE c.key.company = 2 ORDER BY c.name", 20));
        CASES.put("lines_of_orders", (em, c) -> {
            List<SalesOrder> orders = em.createQuery("SELECT o FROM Erp$SalesOrder o JOIN FETCH o.customer u JOIN FETCH u.terms WHERE o.key.company = 3 AND o.key.orderNo < 15", SalesOrder.class).getResultList();
            for (SalesOrder order : orders) order.lines.size();
        });
        CASES.put("orders_of_customers", (em, c) -> {
            for (Customer customer : em.createQuery("SELECT c FROM Erp$Customer c JOIN FETCH c.terms WHERE c.key.company = 1 AND c.key.customerNo < 14", Customer.class).getResultList()) customer.orders.size();
        });
        CASES.put("lines_and_items", (em, c) -> {
            em.getTransaction().begin();
            for (SalesOrder order : em.createQuery("SELECT o FROM Erp$SalesOrder o JOIN FETCH o.customer u JOIN FETCH u.terms WHERE o.key.company = 2 AND o.key.orderNo < 9", SalesOrder.class).getResultList())
                for (OrderLine line : order.lines) line.item.unit.length();
            em.getTransaction().commit();
        });
        CASES.put("jdbc_texts", (em, c) -> {
            try (PreparedStatement items = c.prepareStatement("SELECT company, item_no FROM item WHERE company = ? ORDER BY item_no LIMIT 15");
                 PreparedStatement text = c.prepareStatement("SELECT body FROM item_text WHERE company = ? AND item_no = ? AND lang = ?")) {
                items.setInt(1, 1);
                ResultSet rows = items.executeQuery();
                while (rows.next()) {
                    text.setInt(1, rows.getInt(1)); text.setString(2, rows.getString(2)); text.setString(3, "de");
                    text.executeQuery().next();
                }
            }
        });
        CASES.put("jdbc_prices", (em, c) -> {
            ResultSet orders = c.createStatement().executeQuery("SELECT company, order_no FROM sales_order WHERE company = 1 AND order_no <= 18");
            while (orders.next()) c.createStatement().executeQuery("SELECT sum(cents) FROM posting WHERE company = " + orders.getInt(1) + " AND order_no = " + orders.getInt(2)).next();
        });
        CASES.put("find_each", (em, c) -> {
            for (int n : new int[] {3, 14, 15, 92, 65, 35, 89}) { ItemKey key = new ItemKey(); key.company = 1; key.itemNo = "I" + n; em.find(Item.class, key); }
        });
        CASES.put("flush_each", (em, c) -> {
            em.getTransaction().begin();
            for (int n = 0; n < 12; n++) { Posting p = new Posting(); p.company = 1; p.orderNo = n + 1; p.cents = n; em.persist(p); em.flush(); }
            em.getTransaction().commit();
        });
        CASES.put("version_each", (em, c) -> {
            em.getTransaction().begin();
            for (SalesOrder order : em.createQuery("SELECT o FROM Erp$SalesOrder o JOIN FETCH o.customer u JOIN FETCH u.terms WHERE o.key.company = 2 AND o.key.orderNo BETWEEN 30 AND 40", SalesOrder.class).getResultList())
                order.status = "s" + System.nanoTime();
            em.getTransaction().commit();
        });
        CASES.put("join_fetch", (em, c) -> {
            for (SalesOrder o : em.createQuery("SELECT DISTINCT o FROM Erp$SalesOrder o JOIN FETCH o.customer u JOIN FETCH u.terms JOIN FETCH o.lines l JOIN FETCH l.item WHERE o.key.company = 3 AND o.key.orderNo < 30", SalesOrder.class).getResultList()) o.lines.size();
        });
        CASES.put("batch_hint", (em, c) -> {
            TypedQuery<SalesOrder> query = em.createQuery("SELECT o FROM Erp$SalesOrder o WHERE o.key.company = 3 AND o.key.orderNo < 30", SalesOrder.class);
            query.setHint("eclipselink.batch", "o.customer").setHint("eclipselink.batch", "o.customer.terms").setHint("eclipselink.batch", "o.lines").setHint("eclipselink.batch", "o.lines.item");
            for (SalesOrder o : query.getResultList()) o.lines.size();
        });
        CASES.put("jdbc_batch", (em, c) -> {
            try (PreparedStatement insert = c.prepareStatement("INSERT INTO posting (company, order_no, cents) VALUES (?, ?, ?)")) {
                for (int n = 0; n < 80; n++) { insert.setInt(1, 1); insert.setInt(2, n + 1); insert.setInt(3, n); insert.addBatch(); }
                insert.executeBatch();
            }
        });
        CASES.put("result_pages", (em, c) -> {
            for (int page = 0; page < 8; page++) em.createQuery("SELECT i FROM Erp$Item i WHERE i.company = 1 ORDER BY i.itemNo", Item.class).setFirstResult(page * 15).setMaxResults(15).getResultList();
        });
        CASES.put("jdbc_fetch_size", (em, c) -> {
            c.setAutoCommit(false);
            Statement all = c.createStatement();
            all.setFetchSize(20);
            ResultSet rows = all.executeQuery("SELECT company, order_no, line_no FROM order_line WHERE company = 1");
            while (rows.next()) rows.getInt(2);
            c.commit();
            c.setAutoCommit(true);
        });
        CASES.put("invoices", (em, c) -> {
            c.setAutoCommit(false);
            for (int n = 0; n < 9; n++) {
                ResultSet next = c.createStatement().executeQuery("SELECT next_no FROM number_range WHERE name = 'invoice' FOR UPDATE");
                next.next();
                c.createStatement().executeUpdate("UPDATE number_range SET next_no = next_no + 1 WHERE name = 'invoice'");
                c.createStatement().executeUpdate("INSERT INTO posting (company, order_no, cents) VALUES (1, " + (n + 1) + ", 1)");
                c.commit();
            }
            c.setAutoCommit(true);
        });
        CASES.put("clerks", (em, c) -> {
            // Three clerks, a connection each, one order after the other.
            Thread[] clerks = new Thread[3];
            for (int number = 0; number < 3; number++) {
                int start = number * 70 + 1;
                clerks[number] = new Thread(() -> {
                    try (Connection own = DriverManager.getConnection(Erp.url)) {
                        for (int n = 0; n < 10; n++) {
                            one(own, "SELECT status, customer_no FROM sales_order WHERE company = ? AND order_no = ?", start + n * 3);
                            one(own, "SELECT line_no, item_no FROM order_line WHERE company = ? AND order_no = ?", start + n * 3);
                            Thread.sleep(5 + n * 13 % 40);
                        }
                    } catch (Exception e) { throw new RuntimeException(e); }
                });
                clerks[number].start();
            }
            for (Thread clerk : clerks) clerk.join();
        });
        CASES.put("day_by_day", (em, c) -> {
            for (int day = 1; day < 10; day++) c.createStatement().executeQuery("SELECT count(*) FROM sales_order WHERE ordered_on BETWEEN '2026-03-0" + day + "' AND '2026-03-0" + day + "'").next();
        });
    }

    static void one(Connection c, String text, int number) throws SQLException {
        try (PreparedStatement statement = c.prepareStatement(text)) {
            statement.setInt(1, 1);
            statement.setInt(2, number);
            statement.executeQuery().next();
        }
    }

    static String url;

    public static void main(String[] arguments) throws Exception {
        for (Map.Entry<String, Work> entry : CASES.entrySet()) {
            url = arguments[0] + "&ApplicationName=" + arguments[1] + entry.getKey();
            Map<String, String> properties = new HashMap<>();
            properties.put("javax.persistence.jdbc.url", url);
            properties.put("javax.persistence.jdbc.driver", "org.postgresql.Driver");
            properties.put("eclipselink.cache.shared.default", "false");
            properties.put("eclipselink.weaving", "false");
            properties.put("eclipselink.logging.level", "SEVERE");
            properties.put("eclipselink.target-database", "PostgreSQL");
            EntityManagerFactory factory = Persistence.createEntityManagerFactory("erp", properties);
            try (Connection connection = DriverManager.getConnection(Erp.url)) {
                for (int time = 0; time < 3; time++) {
                    EntityManager em = factory.createEntityManager();
                    entry.getValue().run(em, connection);
                    em.close();
                    Thread.sleep(300);
                }
            }
            factory.close();
        }
    }
}
