<?php
// A shop on Doctrine. Run by tienda_doctrine.py: php tienda_doctrine.php HOST USER DATABASE APPLICATION CASE TIMES
require_once "/usr/share/php/Doctrine/ORM/autoload.php";
require_once "/usr/share/php/Symfony/Component/Cache/autoload.php";
error_reporting(E_ALL & ~E_DEPRECATED & ~E_USER_DEPRECATED);

use Doctrine\Common\Collections\Collection;
use Doctrine\DBAL\LockMode;
use Doctrine\ORM\EntityManager;
use Doctrine\ORM\Mapping as ORM;
use Doctrine\ORM\Mapping\ClassMetadata;
use Doctrine\ORM\ORMSetup;

#[ORM\Entity] class Ciudad {
    #[ORM\Id, ORM\Column, ORM\GeneratedValue] public int $id;
    #[ORM\Column] public string $nombre;
}
#[ORM\Entity] class Cliente {
    #[ORM\Id, ORM\Column, ORM\GeneratedValue] public int $id;
    #[ORM\Column] public string $nombre;
    #[ORM\Column] public string $correo;
    #[ORM\ManyToOne, ORM\JoinColumn(name: "ciudad_id")] public Ciudad $ciudad;
    #[ORM\OneToMany(mappedBy: "cliente", targetEntity: Pedido::class)] public Collection $pedidos;
}
#[ORM\Entity] class Empleado {
    #[ORM\Id, ORM\Column, ORM\GeneratedValue] public int $id;
    #[ORM\Column] public string $nombre;
    #[ORM\ManyToOne(inversedBy: "subordinados"), ORM\JoinColumn(name: "jefe_id")] public ?Empleado $jefe;
    #[ORM\OneToMany(mappedBy: "jefe", targetEntity: Empleado::class)] public Collection $subordinados;
}
#[ORM\Entity] class Pedido {
    #[ORM\Id, ORM\Column, ORM\GeneratedValue] public int $id;
    #[ORM\ManyToOne(inversedBy: "pedidos"), ORM\JoinColumn(name: "cliente_id")] public Cliente $cliente;
    #[ORM\ManyToOne, ORM\JoinColumn(name: "vendedor_id")] public Empleado $vendedor;
    #[ORM\Column] public string $estado;
    #[ORM\OneToMany(mappedBy: "pedido", targetEntity: Linea::class, fetch: "EXTRA_LAZY")] public Collection $lineas;
}
#[ORM\Entity] class Linea {
    #[ORM\Id, ORM\Column, ORM\GeneratedValue] public int $id;
    #[ORM\ManyToOne(inversedBy: "lineas"), ORM\JoinColumn(name: "pedido_id")] public Pedido $pedido;
    #[ORM\ManyToOne, ORM\JoinColumn(name: "articulo_ref", referencedColumnName: "ref")] public Articulo $articulo;
    #[ORM\Column] public int $cantidad;
}
#[ORM\Entity] class Articulo {
    #[ORM\Id, ORM\Column] public string $ref;
    #[ORM\Column] public string $titulo;
    #[ORM\Column] public int $precio;
    #[ORM\ManyToMany(targetEntity: Categoria::class, inversedBy: "articulos"), ORM\JoinTable(name: "articulo_categoria")]
    #[ORM\JoinColumn(name: "articulo_ref", referencedColumnName: "ref")]
    #[ORM\InverseJoinColumn(name: "categoria_id", referencedColumnName: "id")] public Collection $categorias;
}
#[ORM\Entity] class Categoria {
    #[ORM\Id, ORM\Column, ORM\GeneratedValue] public int $id;
    #[ORM\Column] public string $nombre;
    #[ORM\ManyToMany(targetEntity: Articulo::class, mappedBy: "categorias")] public Collection $articulos;
}
#[ORM\Entity] class Aviso {
    #[ORM\Id, ORM\Column, ORM\GeneratedValue] public int $id;
    #[ORM\Column] public string $texto;
    #[ORM\Column] public bool $enviado = false;
}

[, $host, $user, $database, $application, $case, $times] = $argv;

function manager(): EntityManager {
    global $host, $user, $database, $application;
    $config = ORMSetup::createAttributeMetadataConfiguration([__DIR__], true, sys_get_temp_dir());
    $config->setAutoGenerateProxyClasses(true);
    $options = ["driver" => "pdo_pgsql", "host" => $host, "user" => $user, "dbname" => $database, "application_name" => $application];
    return EntityManager::create($options, $config);
}

function dql(EntityManager $em, string $text, int $limit = 0) {
    $query = $em->createQuery($text);
    return ($limit ? $query->setMaxResults($limit) : $query)->getResult();
}

$cases = [
    "listado" => function ($em) {
        foreach (dql($em, "SELECT p FROM Pedido p ORDER BY p.id", 20) as $pedido) { $pedido->cliente->nombre; $pedido->cliente->correo; strlen($pedido->vendedor->nombre); }
    },
    "clientes_pedidos" => function ($em) { foreach (dql($em, "SELECT c FROM Cliente c ORDER BY c.nombre", 15) as $c) count($c->pedidos->toArray()); },
    "lineas" => function ($em) {
        foreach (dql($em, "SELECT p FROM Pedido p WHERE p.id < 9") as $p) foreach ($p->lineas->toArray() as $l) strlen($l->articulo->titulo);
    },
    "categorias" => function ($em) { foreach (dql($em, "SELECT a FROM Articulo a ORDER BY a.titulo", 12) as $a) count($a->categorias->toArray()); },
    "articulos_de_categoria" => function ($em) { foreach (dql($em, "SELECT c FROM Categoria c") as $c) count($c->articulos->toArray()); },
    "subordinados" => function ($em) { foreach (dql($em, "SELECT e FROM Empleado e WHERE e.jefe IS NULL") as $e) count($e->subordinados->toArray()); },
    "contados" => function ($em) { foreach (dql($em, "SELECT p FROM Pedido p ORDER BY p.id", 15) as $p) $p->lineas->count(); },
    "repositorio" => function ($em) {
        foreach (dql($em, "SELECT c FROM Cliente c WHERE c.id BETWEEN 20 AND 34") as $c) $em->getRepository(Pedido::class)->findBy(["cliente" => $c], ["id" => "DESC"], 3);
    },
    "dbal" => function ($em) {
        $db = $em->getConnection();
        foreach ($db->fetchAllAssociative("SELECT id, nombre, ciudad_id FROM cliente ORDER BY nombre LIMIT 15") as $row)
            $db->fetchAssociative("SELECT nombre FROM ciudad WHERE id = ?", [$row["ciudad_id"]]);
    },
    "carrito" => function ($em) { foreach (["A-3", "A-14", "A-15", "A-92", "A-65", "A-35", "A-89"] as $ref) $em->find(Articulo::class, $ref); },
    "guardar_cada_uno" => function ($em) {
        $em->wrapInTransaction(function ($em) { foreach (dql($em, "SELECT p FROM Pedido p WHERE p.id > 780") as $p) { $p->estado = uniqid(); $em->flush(); } });
    },
    "con_iterador" => function ($em) { foreach ($em->createQuery("SELECT c FROM Cliente c WHERE c.id < 20")->toIterable() as $c) { strlen($c->ciudad->nombre); } },
    "fetch_join" => function ($em) { foreach (dql($em, "SELECT p, c, l FROM Pedido p JOIN p.cliente c LEFT JOIN p.lineas l WHERE p.id < 40") as $p) count($p->lineas); },
    "fetch_eager" => function ($em) {
        $query = $em->createQuery("SELECT p FROM Pedido p WHERE p.id < 40");
        $query->setFetchMode(Pedido::class, "cliente", ClassMetadata::FETCH_EAGER)->setFetchMode(Pedido::class, "vendedor", ClassMetadata::FETCH_EAGER);
        foreach ($query->getResult() as $p) strlen($p->cliente->nombre);
    },
    "paginas" => function ($em) {
        for ($page = 0; $page < 8; $page++) $em->getRepository(Pedido::class)->findBy(["estado" => "nuevo"], ["id" => "ASC"], 20, $page * 20);
    },
    "por_listas" => function ($em) { foreach (array_chunk(range(1, 80), 10) as $ids) $em->getRepository(Ciudad::class)->findBy(["id" => $ids]); },
    "alta" => function ($em) {
        for ($n = 0; $n < 8; $n++) {
            $correo = uniqid("n") . "@example.org";
            if ($em->getRepository(Cliente::class)->findOneBy(["correo" => $correo])) continue;
            $c = new Cliente(); $c->nombre = "nuevo"; $c->correo = $correo; $c->ciudad = $em->getReference(Ciudad::class, 3);
            $em->persist($c); $em->flush(); $em->clear();
        }
    },
    "fichas" => function ($em) {
        // Requests in turn through one kept connection (a worker of FrankenPHP or Swoole).
        foreach ([5, 77, 21, 140, 9, 150, 33, 61, 18] as $id) {
            $em->clear();
            $c = $em->find(Cliente::class, $id);
            strlen($c->ciudad->nombre);
            count($c->pedidos->toArray());
            usleep(1000 * ($id % 47));
        }
    },
    "cola" => function ($em) {
        for ($n = 0; $n < 8; $n++) $em->wrapInTransaction(function ($em) {
            $a = $em->createQuery("SELECT a FROM Aviso a WHERE a.enviado = false ORDER BY a.id")->setMaxResults(1)->setLockMode(LockMode::PESSIMISTIC_WRITE)->getOneOrNullResult();
            if ($a) $a->enviado = true;
        });
    },
    "valores" => function ($em) { $em->getConnection()->executeStatement("INSERT INTO aviso (texto) VALUES " . implode(", ", array_map(fn ($n) => "('masa $n')", range(1, 60)))); },
    "resumen" => function ($em) {
        foreach (["Cliente", "Pedido", "Linea", "Articulo", "Categoria", "Empleado", "Ciudad"] as $entity) $em->createQuery("SELECT COUNT(e) FROM $entity e")->getSingleScalarResult();
    },
];

// A long-running worker: one connection, an emptied unit of work for each request.
$em = manager();
for ($n = 0; $n < $times; $n++) {
    $cases[$case]($em);
    $em->clear();
    usleep(300000);
}
